-- A client pays exactly what its bill lists, line by line (SPEC M10).
with

lines as (
    select
        account_number,
        bill_month,
        sum(amount) as amount
    from {{ ref('fct_msp_charges') }}
    group by account_number, bill_month
)

select
    bills.bill_id,
    bills.total,
    lines.amount
from {{ ref('rpt_msp_bills') }} as bills
full outer join lines
    on
        bills.account_number = lines.account_number
        and bills.bill_month = lines.bill_month
where coalesce(bills.total, 0) != coalesce(lines.amount, 0) or bills.bill_id is null
