{#- Before everything known or effective. -#}
{% macro beginning() -%}
cast('0001-01-01' as timestamp)
{%- endmacro %}
