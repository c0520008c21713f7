{#- A payload's field as a UTC timestamp, as `utc_timestamp` reads it. -#}
{% macro json_timestamp(field, zone='UTC') -%}
    {{ utc_timestamp(json_text(field, 100), zone) }}
{%- endmacro %}
