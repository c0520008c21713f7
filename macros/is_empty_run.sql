{#- Whether dbt was told `--empty`: nothing is read, and nothing may be taken for known. -#}
{% macro is_empty_run() -%}
    {{ return(flags.EMPTY is defined and flags.EMPTY) }}
{%- endmacro %}
