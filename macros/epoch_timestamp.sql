{#- Milliseconds since 1970 as a UTC timestamp; null outside of the years 1 to 9998. -#}
{% macro epoch_timestamp(milliseconds) -%}
case
    when {{ milliseconds }} between -62135596800000 and 253370764799999
        then {{ dbt.dateadd(
            'second', '(' ~ milliseconds ~ ') / 1000', "cast('1970-01-01' as timestamp)"
        ) }}
end
{%- endmacro %}
