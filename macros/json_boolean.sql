{#- A payload's field as a truth value; `otherwise` where it is null, blank or no truth value. -#}
{% macro json_boolean(field, otherwise=false) -%}
coalesce(lower({{ json_text(field, 10) }}) {{ "!= 'false'" if otherwise else "= 'true'" }}, {{ otherwise | string | lower }})
{%- endmacro %}
