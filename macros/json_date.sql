{#- The date part of a payload's field; null where it is no ISO date. -#}
{% macro json_date(field) -%}
{%- set day = "substring(" ~ json_text(field, 100) ~ ", 1, 10)" -%}
case when {{ day }} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then cast({{ utc_timestamp(day) }} as date) end
{%- endmacro %}
