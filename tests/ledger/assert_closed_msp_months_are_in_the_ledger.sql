-- What a closed month was billed is in the ledger, to the cent; an open month is not (SPEC M13).
with

entries as (
    select
        account_id,
        cast(date_trunc('month', occurred_at) as date) as bill_month,
        sum(amount) as amount
    from {{ ref('fct_ledger_entries') }}
    where source = 'codex'
    group by account_id, cast(date_trunc('month', occurred_at) as date)
),

bills as (
    select
        cast('msp:' || account_number as varchar(100)) as account_id,
        bill_month,
        total
    from {{ ref('rpt_msp_bills') }}
    where is_closed
)

select
    coalesce(bills.account_id, entries.account_id) as account_id,
    coalesce(bills.bill_month, entries.bill_month) as bill_month,
    bills.total,
    entries.amount
from bills
full outer join entries
    on
        bills.account_id = entries.account_id
        and bills.bill_month = entries.bill_month
where coalesce(bills.total, 0) != coalesce(entries.amount, 0)
