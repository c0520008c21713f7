{#- A payload's field as a moment of effective time: as `json_timestamp` reads it, and what a database
    may hold beside that, `infinity` and years before the first or after 9999. -#}
{% macro json_effective_time(field) -%}
    {{ return(adapter.dispatch('json_effective_time')(field)) }}
{%- endmacro %}

{% macro default__json_effective_time(field) -%}
{%- set text = json_text(field, 100) -%}
case
    when {{ text }} ~ '^-?infinity$| BC$|^[0-9]{5,6}-'
        then case when pg_input_is_valid({{ text }}, 'timestamp') then cast({{ text }} as timestamp) end
    else {{ json_timestamp(field) }}
end
{%- endmacro %}

{% macro redshift__json_effective_time(field) -%}
{%- set text = json_text(field, 100) -%}
case
    when {{ text }} ~ '^-infinity$| BC$' then {{ beginning() }}
    when {{ text }} ~ '^infinity$|^[0-9]{5,6}-' then {{ open_end() }}
    else {{ json_timestamp(field) }}
end
{%- endmacro %}
