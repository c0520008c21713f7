with

invoices as (
    select * from {{ ref('int_invoices') }}
),

payment_versions as (
    select * from {{ ref('stg_billingo__payments') }}
),

payments as (
    {{ live_versions('payment_versions') }}
),

landed_payments as (
    select
        invoices.invoice_id,
        payments.payment_number,
        cast(payments.amount as numeric(18, 2)) as amount,
        {{ amount_huf(
            'payments.amount',
            currency='invoices.currency',
            rate='coalesce(nullif(payments.conversion_rate, 0), invoices.conversion_rate)',
        ) }} as amount_huf,
        payments.paid_date
    from payments
    inner join invoices
        on
            payments.company_id = invoices.company_id
            and payments.document_id = invoices.document_id
),

-- A paid invoice whose payments are not landed (they can be switched off) was paid as a whole.
whole_payments as (
    select
        invoices.invoice_id,
        cast(1 as bigint) as payment_number,
        cast(invoices.direction * counted.gross_amount as numeric(18, 2)) as amount,
        cast(invoices.direction * counted.gross_amount_huf as numeric(18, 2)) as amount_huf,
        invoices.paid_date
    from invoices
    inner join invoices as counted on invoices.counted_invoice_id = counted.invoice_id
    left join landed_payments on invoices.invoice_id = landed_payments.invoice_id
    where invoices.payment_status = 'paid' and landed_payments.invoice_id is null
)

select * from landed_payments
union all
select * from whole_payments
