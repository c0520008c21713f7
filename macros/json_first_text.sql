{#- The text of a field of the first object in a payload's list, blanks as null. -#}
{% macro json_first_text(list, field, size=500) -%}
    {{ return(adapter.dispatch('json_first_text')(list, field, size)) }}
{%- endmacro %}

{% macro default__json_first_text(list, field, size) -%}
cast(nullif(trim(payload -> '{{ list }}' -> 0 ->> '{{ field }}'), '') as varchar({{ size }}))
{%- endmacro %}

{% macro redshift__json_first_text(list, field, size) -%}
{%- set first = "json_extract_array_element_text(json_extract_path_text(payload, '" ~ list ~ "', true), 0, true)" -%}
cast(nullif(trim(json_extract_path_text({{ first }}, '{{ field }}', true)), '') as varchar({{ size }}))
{%- endmacro %}
