{#- Money as text with a currency mark, thousands commas, a minus or parentheses -> cents; null where
    it cannot be read, or has more than twelve digits before its point (golden/deals NOTES E4). -#}
{% macro localized_amount(text) -%}
{%- set marked = "translate(" ~ text ~ ", '$€£', '$$$')" -%}
{%- set digits = "translate(" ~ text ~ ", '$€£, ()-', '')" -%}
cast(case
    when
        {{ marked }} ~ '^[-($ ]*([0-9]{0,12}|[0-9]{1,3}(,[0-9]{3}){1,3})([.][0-9]*)?[-)$ ]*$'
        and {{ digits }} ~ '[0-9]'
        then
            round(cast(
                split_part({{ digits }}, '.', 1) || '.'
                || substring(split_part({{ digits }}, '.', 2), 1, 5) || '0' as numeric(24, 6)
            ), 2)
            * case when {{ text }} ~ '[-(]' then -1 else 1 end
end as numeric(18, 2))
{%- endmacro %}
