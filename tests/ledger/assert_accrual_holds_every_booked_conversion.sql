{{ config(tags=['whole_history']) }}
-- Every cent that conversions brought is in the cohort of its sale (SPEC D6).
with

booked as (
    select
        account_id,
        sum(amount) as amount
    from {{ ref('fct_ledger_entries') }}
    where component = 'conversion'
    group by account_id
),

accrued as (
    select
        account_id,
        sum(booked_revenue) as amount
    from {{ ref('rpt_conversion_accrual') }}
    group by account_id
)

select
    coalesce(booked.account_id, accrued.account_id) as account_id,
    booked.amount as booked_amount,
    accrued.amount as accrued_amount
from booked
full outer join accrued on booked.account_id = accrued.account_id
where coalesce(booked.amount, 0) != coalesce(accrued.amount, 0)
