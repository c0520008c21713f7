{{ config(tags=['whole_history']) }}
-- Ledger, invoiced and paid add up across the reconciliation for every account, month and
-- currency, and every difference is in exactly one class (SPEC I5).
with

truth as (
    select
        account_id,
        cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as billing_month,
        currency,
        amount as ledger_amount,
        0 as invoiced_amount,
        0 as invoiced_gross_amount,
        0 as paid_amount,
        0 as class_count
    from {{ ref('fct_ledger_entries') }}
    union all
    select
        account_id,
        cast(
            {{ dbt.date_trunc('month', 'coalesce(fulfillment_date, invoice_date)') }} as date
        ) as billing_month,
        currency,
        0 as ledger_amount,
        coalesce(net_amount, 0) as invoiced_amount,
        coalesce(gross_amount, 0) as invoiced_gross_amount,
        paid_amount,
        0 as class_count
    from {{ ref('fct_invoices') }}
),

reconciled as (
    select
        account_id,
        billing_month,
        currency,
        ledger_amount,
        invoiced_amount,
        invoiced_gross_amount,
        paid_amount,
        case
            when reconciliation_class = 'matched' and difference_amount = 0 then 1
            when reconciliation_class != 'matched' and difference_amount != 0 then 1
            else 0
        end as class_count
    from {{ ref('rpt_reconciliation') }}
    where difference_amount = ledger_amount - invoiced_amount
),

compared as (
    select
        *,
        1 as side
    from reconciled
    union all
    select
        *,
        -1 as side
    from truth
)

select
    account_id,
    billing_month,
    currency
from compared
group by account_id, billing_month, currency
having
    sum(side * ledger_amount) != 0
    or sum(side * invoiced_amount) != 0
    or sum(side * invoiced_gross_amount) != 0
    or sum(side * paid_amount) != 0
    or sum(class_count) != 1
