{#- An amount of an invoice in HUF, half up. In forints it is the amount itself: the customer pays
    the rounded total, which is not Billingo's sum of the lines. -#}
{% macro amount_huf(amount) -%}
cast(case
        when currency = 'HUF' then {{ amount }}
        else coalesce({{ amount }}_huf, round({{ amount }} * conversion_rate, 2))
    end as numeric(18, 2))
{%- endmacro %}
