{#- An amount of an invoice in HUF, half up. In forints it is the amount itself: the customer pays
    the rounded total, which is not Billingo's sum of the lines. In another currency it is what
    Billingo gives (`given`), else the amount at the rate; without either, or at a rate of 0, it is
    not known: null, and never 0 (`rpt_invoice_exceptions`). -#}
{% macro amount_huf(amount, given=none, currency='currency', rate='conversion_rate') -%}
cast(case
        when {{ currency }} = 'HUF' or {{ amount }} = 0 then {{ amount }}
        {%- if given %}
            when {{ given }} != 0 then {{ given }}
        {%- endif %}
        when {{ rate }} > 0 then round({{ amount }} * {{ rate }}, 2)
    end as numeric(18, 2))
{%- endmacro %}
