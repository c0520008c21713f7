with

ledger_months as (
    select * from {{ ref('int_ledger_months') }}
),

invoices as (
    select * from {{ ref('fct_invoices') }}
),

bookings_and_invoices as (
    select
        account_id,
        billing_month,
        currency,
        amount as ledger_amount,
        0 as invoiced_amount,
        0 as invoiced_gross_amount,
        0 as paid_amount
    from ledger_months
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
        paid_amount
    from invoices
),

figures as (
    select
        account_id,
        billing_month,
        currency,
        cast(sum(ledger_amount) as numeric(18, 2)) as ledger_amount,
        cast(sum(invoiced_amount) as numeric(18, 2)) as invoiced_amount,
        cast(sum(invoiced_gross_amount) as numeric(18, 2)) as invoiced_gross_amount,
        cast(sum(paid_amount) as numeric(18, 2)) as paid_amount,
        cast(sum(ledger_amount) - sum(invoiced_amount) as numeric(18, 2)) as difference_amount
    from bookings_and_invoices
    group by account_id, billing_month, currency
),

running_figures as (
    select
        *,
        cast(sum(difference_amount) over (
            partition by account_id, currency order by billing_month rows unbounded preceding
        ) as numeric(18, 2)) as difference_to_date
    from figures
)

select * from running_figures
