{#- The object in a payload's field, to be named `payload` and read by the other json macros. -#}
{% macro json_object(field) -%}
    {{ return(adapter.dispatch('json_object')(field)) }}
{%- endmacro %}

{% macro default__json_object(field) -%}
payload -> '{{ field }}'
{%- endmacro %}

{% macro redshift__json_object(field) -%}
json_extract_path_text(payload, '{{ field }}', true)
{%- endmacro %}
