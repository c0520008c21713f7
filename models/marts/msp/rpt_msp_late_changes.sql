with

charges as (
    select * from {{ ref('int_msp_charges') }}
),

-- Closed months of which something became known later; what did not change is billed alike.
looked_at_again as (
    select
        bill_month,
        account_number,
        has_lines
    from {{ ref('int_msp_client_months') }}
    where basis = 'now'
),

lines as (
    select
        looked_at_again.account_number,
        looked_at_again.bill_month,
        charges.line_key,
        cast(sum(
            case when charges.basis = 'bill' then charges.amount else 0 end
        ) as numeric(18, 2)) as closed_amount,
        cast(sum(
            case when charges.basis = 'now' then charges.amount else 0 end
        ) as numeric(18, 2)) as now_amount
    from looked_at_again
    inner join charges
        on
            looked_at_again.bill_month = charges.bill_month
            and looked_at_again.account_number = charges.account_number
            and (looked_at_again.has_lines or charges.kind = 'hours')
    group by looked_at_again.account_number, looked_at_again.bill_month, charges.line_key
),

late_changes as (
    select
        account_number,
        line_key,
        closed_amount,
        now_amount,
        cast(now_amount - closed_amount as numeric(18, 2)) as difference,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        bill_month
    from lines
    where now_amount != closed_amount
)

select * from late_changes
