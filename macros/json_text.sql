{#- The text of a payload's field, blanks as null. Nothing downstream of staging reads JSON. -#}
{% macro json_text(field, size=500) -%}
    {{ return(adapter.dispatch('json_text')(field, size)) }}
{%- endmacro %}

{% macro default__json_text(field, size) -%}
cast(nullif(trim(payload ->> '{{ field }}'), '') as varchar({{ size }}))
{%- endmacro %}

{% macro redshift__json_text(field, size) -%}
cast(nullif(trim(json_extract_path_text(payload, '{{ field }}', true)), '') as varchar({{ size }}))
{%- endmacro %}
