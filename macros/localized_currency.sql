{#- The currency whose mark stands in the text, else the var `currency` (golden/deals NOTES E5). -#}
{% macro localized_currency(text) -%}
cast(case
    when {{ text }} like '%$%' then 'USD'
    when {{ text }} like '%€%' then 'EUR'
    when {{ text }} like '%£%' then 'GBP'
    else '{{ var("currency") }}'
end as varchar(3))
{%- endmacro %}
