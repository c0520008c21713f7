{#- The moment of the query, UTC, for what is late; never for money. -#}
{% macro now_in_utc() -%}
    {{ return(adapter.dispatch('now_in_utc')()) }}
{%- endmacro %}

{% macro default__now_in_utc() -%}
cast(current_timestamp at time zone 'UTC' as timestamp)
{%- endmacro %}

{% macro redshift__now_in_utc() -%}
getdate()
{%- endmacro %}
