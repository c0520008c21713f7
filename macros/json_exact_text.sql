{#- The text of a payload's field as it stands, blanks and all: for what is compared exactly. -#}
{% macro json_exact_text(field, size) -%}
    {{ return(adapter.dispatch('json_exact_text')(field, size)) }}
{%- endmacro %}

{% macro default__json_exact_text(field, size) -%}
cast(payload ->> '{{ field }}' as varchar({{ size }}))
{%- endmacro %}

{% macro redshift__json_exact_text(field, size) -%}
cast(json_extract_path_text(payload, '{{ field }}', true) as varchar({{ size }}))
{%- endmacro %}
