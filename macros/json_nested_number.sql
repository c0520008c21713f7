{#- A number inside a payload's object, as `number_in` reads it. -#}
{% macro json_nested_number(parent, field, type='numeric(18,6)') -%}
{{ number_in(json_nested_text(parent, field), type) }}
{%- endmacro %}
