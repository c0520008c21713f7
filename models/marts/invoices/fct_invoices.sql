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

account_versions as (
    select * from {{ ref('stg_seeds__invoice_accounts') }}
),

accounts as (
    {{ live_versions('account_versions') }}
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

-- What a cancellation cancels is the invoice whose amounts it carries, negative.
counted_invoices as (
    select
        invoices.*,
        case when cancellations.is_cancelled then cancellations.last_cancelled_date end
            as cancelled_date,
        coalesce(cancellations.is_cancelled, invoices.is_cancelled) as is_cancelled_now,
        coalesce(payments.paid_amount, 0) as paid_amount,
        case when payments.invoice_id is null then 0 else payments.paid_amount_huf end
            as paid_amount_huf,
        case
            when
                coalesce(cancellations.is_cancelled, invoices.is_cancelled)
                or invoices.is_cancellation
                then 0
            else 1
        end as is_owed,
        cast(invoices.direction * counted.net_amount as numeric(18, 2)) as counted_net,
        cast(invoices.direction * counted.vat_amount as numeric(18, 2)) as counted_vat,
        cast(invoices.direction * counted.gross_amount as numeric(18, 2)) as counted_gross,
        cast(invoices.direction * counted.net_amount_huf as numeric(18, 2)) as counted_net_huf,
        cast(invoices.direction * counted.vat_amount_huf as numeric(18, 2)) as counted_vat_huf,
        cast(invoices.direction * counted.gross_amount_huf as numeric(18, 2)) as counted_gross_huf
    from invoices
    inner join invoices as counted on invoices.counted_invoice_id = counted.invoice_id
    left join payments on invoices.invoice_id = payments.invoice_id
    left join cancellations on invoices.invoice_id = cancellations.counted_invoice_id
),

invoices_of_accounts as (
    select
        cast(counted_invoices.invoice_id as varchar(250)) as invoice_id,
        cast(counted_invoices.company_id as varchar(100)) as company_id,
        counted_invoices.document_id,
        counted_invoices.partner_id,
        cast(coalesce(
            accounts.account_id,
            'invoice_partner:' || counted_invoices.company_id || ':'
            || coalesce(counted_invoices.partner_id, 'none')
        ) as varchar(250)) as account_id,
        cast(counted_invoices.cancels_invoice_id as varchar(250)) as cancels_invoice_id,
        counted_invoices.invoice_number,
        counted_invoices.document_type,
        counted_invoices.partner_name,
        counted_invoices.payment_status,
        counted_invoices.payment_method,
        counted_invoices.currency,
        counted_invoices.conversion_rate,
        counted_invoices.counted_net as net_amount,
        counted_invoices.counted_vat as vat_amount,
        cast(
            counted_invoices.counted_gross
            - counted_invoices.counted_net
            - counted_invoices.counted_vat as numeric(18, 2)
        ) as rounding_amount,
        counted_invoices.counted_gross as gross_amount,
        cast(counted_invoices.paid_amount as numeric(18, 2)) as paid_amount,
        cast(
            counted_invoices.is_owed * counted_invoices.counted_gross
            - counted_invoices.paid_amount as numeric(18, 2)
        ) as open_amount,
        counted_invoices.counted_net_huf as net_amount_huf,
        counted_invoices.counted_vat_huf as vat_amount_huf,
        counted_invoices.counted_gross_huf as gross_amount_huf,
        cast(counted_invoices.paid_amount_huf as numeric(18, 2)) as paid_amount_huf,
        accounts.account_id is not null as has_account,
        counted_invoices.is_cancelled_now as is_cancelled,
        counted_invoices.is_cancellation,
        counted_invoices.invoice_date,
        counted_invoices.fulfillment_date,
        counted_invoices.due_date,
        counted_invoices.paid_date,
        counted_invoices.cancelled_date,
        counted_invoices.loaded_at
    from counted_invoices
    left join accounts
        on
            counted_invoices.company_id = accounts.company_id
            and counted_invoices.partner_id = accounts.partner_id
)

select * from invoices_of_accounts
