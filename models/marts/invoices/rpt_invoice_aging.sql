with

invoices as (
    select * from {{ ref('fct_invoices') }}
),

payments as (
    select * from {{ ref('int_invoice_payments') }}
),

as_of_dates as (
    select * from {{ ref('int_invoice_aging_dates') }}
),

payments_by_then as (
    select
        as_of_dates.as_of_date,
        payments.invoice_id,
        sum(payments.amount) as paid_amount
    from as_of_dates
    inner join payments on as_of_dates.as_of_date >= payments.paid_date
    group by as_of_dates.as_of_date, payments.invoice_id
),

invoices_then as (
    select
        as_of_dates.as_of_date,
        invoices.account_id,
        invoices.currency,
        invoices.conversion_rate,
        {{ dbt.datediff('invoices.due_date', 'as_of_dates.as_of_date', 'day') }} as days_past_due,
        case
            when
                invoices.is_cancellation
                or invoices.cancelled_date <= as_of_dates.as_of_date
                or (invoices.is_cancelled and invoices.cancelled_date is null)
                then 0
            else invoices.gross_amount
        end - coalesce(payments_by_then.paid_amount, 0) as open_amount
    from as_of_dates
    inner join invoices on as_of_dates.as_of_date >= invoices.invoice_date
    left join payments_by_then
        on
            as_of_dates.as_of_date = payments_by_then.as_of_date
            and invoices.invoice_id = payments_by_then.invoice_id
),

open_invoices as (
    select
        *,
        {{ amount_huf('open_amount') }} as open_amount_huf
    from invoices_then
    where open_amount != 0
),

aged_accounts as (
    select
        as_of_date,
        account_id,
        currency,
        count(*) as open_invoices,
        cast(sum(case when days_past_due < 0 then open_amount else 0 end) as numeric(18, 2))
            as not_due_amount,
        cast(sum(
            case when days_past_due between 0 and 30 then open_amount else 0 end
        ) as numeric(18, 2)) as past_due_0_30_amount,
        cast(sum(
            case when days_past_due between 31 and 60 then open_amount else 0 end
        ) as numeric(18, 2)) as past_due_31_60_amount,
        cast(sum(
            case when days_past_due between 61 and 90 then open_amount else 0 end
        ) as numeric(18, 2)) as past_due_61_90_amount,
        cast(sum(case when days_past_due > 90 then open_amount else 0 end) as numeric(18, 2))
            as past_due_over_90_amount,
        cast(sum(open_amount) as numeric(18, 2)) as open_amount,
        cast(
            case when count(*) = count(open_amount_huf) then sum(open_amount_huf) end
            as numeric(18, 2)
        ) as open_amount_huf
    from open_invoices
    group by as_of_date, account_id, currency
)

select * from aged_accounts
