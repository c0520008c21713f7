with

invoices as (
    select * from {{ ref('int_invoices') }}
),

payments as (
    select
        invoice_id,
        cast(sum(amount) as numeric(18, 2)) as paid_amount,
        cast(case when count(*) = count(amount_huf) then sum(amount_huf) end as numeric(18, 2))
            as paid_amount_huf
    from {{ ref('int_invoice_payments') }}
    group by invoice_id
),

-- Whether an invoice is cancelled now, and since when: a cancellation may itself be cancelled.
cancellations as (
    select
        counted_invoice_id,
        sum(direction) != 0 as is_cancelled,
        max(case when direction = -1 then invoice_date end) as last_cancelled_date
    from invoices
    where cancels_invoice_id is not null
    group by counted_invoice_id
),

counted_invoices as (
    select
        invoices.invoice_id,
        cast(invoices.direction * counted.net_amount as numeric(18, 2)) as net_amount,
        cast(invoices.direction * counted.vat_amount as numeric(18, 2)) as vat_amount,
        cast(invoices.direction * counted.gross_amount as numeric(18, 2)) as gross_amount,
        cast(invoices.direction * counted.net_amount_huf as numeric(18, 2)) as net_amount_huf,
        cast(invoices.direction * counted.vat_amount_huf as numeric(18, 2)) as vat_amount_huf,
        cast(invoices.direction * counted.gross_amount_huf as numeric(18, 2)) as gross_amount_huf,
        cast(coalesce(payments.paid_amount, 0) as numeric(18, 2)) as paid_amount,
        cast(
            case when payments.invoice_id is null then 0 else payments.paid_amount_huf end
            as numeric(18, 2)
        ) as paid_amount_huf,
        coalesce(cancellations.is_cancelled, invoices.is_cancelled) as is_cancelled,
        case when cancellations.is_cancelled then cancellations.last_cancelled_date end
            as cancelled_date
    from invoices
    inner join invoices as counted on invoices.counted_invoice_id = counted.invoice_id
    left join payments on invoices.invoice_id = payments.invoice_id
    left join cancellations on invoices.invoice_id = cancellations.counted_invoice_id
)

select * from counted_invoices
