{#- A known time as it stands in ids: YYYYMMDDTHHMMSSZ. -#}
{% macro known_time_text(moment) -%}
to_char({{ moment }}, 'YYYYMMDD"T"HH24MISS"Z"')
{%- endmacro %}
