{#- Pre-hook of everything that dbt writes. The pipeline's dbt needs no more of it than
    `remember_watermark` has: it holds the warehouse as long as it runs. -#}
{% macro keep_turn_by_hand() -%}
    {%- if execute and not env_var('LEDGERHOUSE_RUN', '') -%}
        {{ keep_turn() }}
    {%- endif -%}
{%- endmacro %}
