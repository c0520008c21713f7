{#- A payload's field as a number, as `number_in` reads it. -#}
{% macro json_number(field, type='numeric(18,6)') -%}
    {{ return(adapter.dispatch('json_number')(field, type)) }}
{%- endmacro %}

{% macro default__json_number(field, type) -%}
{{ number_in("trim(payload ->> '" ~ field ~ "')", type) }}
{%- endmacro %}

{% macro redshift__json_number(field, type) -%}
{{ number_in(json_text(field), type) }}
{%- endmacro %}
