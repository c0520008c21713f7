{#- The text of a field inside a payload's object, blanks as null. -#}
{% macro json_nested_text(parent, field, size=500) -%}
    {{ return(adapter.dispatch('json_nested_text')(parent, field, size)) }}
{%- endmacro %}

{% macro default__json_nested_text(parent, field, size) -%}
cast(nullif(trim(payload -> '{{ parent }}' ->> '{{ field }}'), '') as varchar({{ size }}))
{%- endmacro %}

{% macro redshift__json_nested_text(parent, field, size) -%}
cast(nullif(trim(json_extract_path_text(payload, '{{ parent }}', '{{ field }}', true)), '') as varchar({{ size }}))
{%- endmacro %}
