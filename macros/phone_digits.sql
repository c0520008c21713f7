{#- A North American phone's ten digits, without extension and leading 1; null if it is no such
    number (golden/deals NOTES D11). -#}
{% macro phone_digits(text) -%}
{%- set digits = replace_pattern("split_part(lower(" ~ text ~ "), 'x', 1)", '[^0-9]', '') -%}
cast(case
    when length({{ digits }}) = 10 then {{ digits }}
    when length({{ digits }}) = 11 and substring({{ digits }}, 1, 1) = '1'
        then substring({{ digits }}, 2)
end as varchar(10))
{%- endmacro %}
