-- Every source that carries money. A new one is a model in completeness/ and a line here.
{%- for facts in [
    ref('int_transactions_accounted'),
    ref('int_calls_accounted'),
    ref('int_conversions_accounted'),
    ref('int_deliveries_accounted'),
    ref('int_msp_accounted'),
] %}
    {{ 'union all' if not loop.first }}
    select
        source,
        stream,
        unit_key,
        fact_key,
        no_money_reason,
        currency,
        landed,
        booked,
        excepted,
        parked,
        no_money,
        difference,
        is_live,
        is_held,
        is_accounted,
        fact_month
    from {{ facts }}
{%- endfor %}
