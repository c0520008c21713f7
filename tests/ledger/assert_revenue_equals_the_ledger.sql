{{ config(tags=['whole_history']) }}
-- Revenue is the ledger, to the cent, for every business unit, deal type and account (SPEC D13).
with

ledger as (
    select
        business_unit,
        deal_type,
        account_id,
        sum(amount) as amount
    from {{ ref('fct_ledger_entries') }}
    group by business_unit, deal_type, account_id
),

revenue as (
    select
        business_unit,
        deal_type,
        account_id,
        sum(net) as amount,
        sum(booked + reversed + refunded) as parts
    from {{ ref('revenue') }}
    group by business_unit, deal_type, account_id
)

select
    ledger.business_unit,
    ledger.deal_type,
    ledger.account_id,
    ledger.amount as ledger_amount,
    revenue.amount as revenue_amount
from ledger
left join revenue
    on
        ledger.business_unit = revenue.business_unit
        and ledger.deal_type = revenue.deal_type
        and coalesce(ledger.account_id, '') = coalesce(revenue.account_id, '')
where ledger.amount != coalesce(revenue.amount, 0) or revenue.amount != revenue.parts
