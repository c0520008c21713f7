{#- The open end of a half-open interval (SPEC 0). -#}
{% macro open_end() -%}
cast('9999-12-31' as timestamp)
{%- endmacro %}
