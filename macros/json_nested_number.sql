{#- A number inside a payload's object; null where it is none, so that bad text never stops a
    build. -#}
{% macro json_nested_number(parent, field, type='numeric(18,6)') -%}
    {{ return(adapter.dispatch('json_nested_number')(parent, field, type)) }}
{%- endmacro %}

{% macro default__json_nested_number(parent, field, type) -%}
{%- set text = json_nested_text(parent, field, 100) -%}
cast(case
    when pg_input_is_valid({{ text }}, '{{ type }}') and {{ text }} !~ '[a-zA-Z_]'
        then cast({{ text }} as {{ type }})
end as {{ type }})
{%- endmacro %}

{% macro redshift__json_nested_number(parent, field, type) -%}
{%- set text = json_nested_text(parent, field, 100) -%}
cast(case
    when {{ text }} ~ '^[-+]?[0-9]{0,12}([.][0-9]*)?$' then cast({{ text }} as {{ type }})
end as {{ type }})
{%- endmacro %}
