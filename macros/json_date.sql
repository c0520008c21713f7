{#- The date part of a payload's field; null where it is no ISO date. -#}
{% macro json_date(field) -%}
cast({{ utc_timestamp("substring(" ~ json_text(field, 100) ~ ", 1, 10)") }} as date)
{%- endmacro %}
