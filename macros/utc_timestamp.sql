{#- Text as a UTC timestamp: an offset is honoured, none means `zone` (SPEC 0). Null where the text
    does not begin with a YYYY-MM-DD of the calendar: bad text never stops a build, and no server
    guesses which number is the month. -#}
{% macro utc_timestamp(text, zone='UTC') -%}
    {{ return(adapter.dispatch('utc_timestamp')(text, zone)) }}
{%- endmacro %}

{% macro default__utc_timestamp(text, zone) -%}
case
    when not pg_input_is_valid({{ text }}, 'timestamp') then null
    when {{ text }} !~ '{{ timestamp_pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}") }}' then null
    when {{ text }} ~ '([Zz]|:[0-9.]+ ?[-+][0-9:]+)$'
        then cast({{ text }} as timestamp with time zone) at time zone 'UTC'
    else {{ in_utc("cast(" ~ text ~ " as timestamp)", zone) }}
end
{%- endmacro %}

{% macro redshift__utc_timestamp(text, zone) -%}
{%- set month_days -%}
((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))
{%- endset -%}
{%- set day = '([0-9]{4}-' ~ month_days ~ '|[0-9]{2}([02468][048]|[13579][26])-02-29)' -%}
case
    when {{ text }} !~ '{{ timestamp_pattern(day) }}' then null
    when {{ text }} ~ '([Zz]|:[0-9.]+ ?[-+][0-9:]+)$'
        then cast(cast({{ text }} as timestamp with time zone) at time zone 'UTC' as timestamp)
    else {{ in_utc("cast(" ~ text ~ " as timestamp)", zone) }}
end
{%- endmacro %}
