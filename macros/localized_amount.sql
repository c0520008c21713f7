{#- Money as text with a currency mark, thousands commas, a minus or parentheses -> cents; null
    where it cannot be read (golden/deals NOTES E4). -#}
{% macro localized_amount(text) -%}
{%- set digits = "translate(" ~ text ~ ", '$€£, ()-', '')" -%}
cast(case
    when
        {{ digits }} ~ '^([0-9]{1,15}([.][0-9]*)?|[.][0-9]+)$' and {{ text }} !~ '[.].*,'
        then
            round(cast({{ digits }} as numeric(24, 6)), 2)
            * case when {{ text }} ~ '[-(]' then -1 else 1 end
end as numeric(18, 2))
{%- endmacro %}
