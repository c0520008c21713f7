with

invoices as (
    select * from {{ ref('int_invoices') }}
),

counted as (
    select * from {{ ref('int_invoices_counted') }}
),

account_versions as (
    select * from {{ ref('stg_seeds__invoice_accounts') }}
),

accounts as (
    {{ live_versions('account_versions') }}
),

invoices_of_accounts as (
    select
        cast(invoices.invoice_id as varchar(250)) as invoice_id,
        cast(invoices.company_id as varchar(100)) as company_id,
        invoices.document_id,
        invoices.partner_id,
        cast(coalesce(
            accounts.account_id,
            'invoice_partner:' || invoices.company_id || ':'
            || coalesce(invoices.partner_id, 'none')
        ) as varchar(250)) as account_id,
        cast(invoices.cancels_invoice_id as varchar(250)) as cancels_invoice_id,
        invoices.invoice_number,
        invoices.document_type,
        invoices.partner_name,
        invoices.payment_status,
        invoices.payment_method,
        invoices.currency,
        invoices.conversion_rate,
        counted.net_amount,
        counted.vat_amount,
        cast(counted.gross_amount - counted.net_amount - counted.vat_amount as numeric(18, 2))
            as rounding_amount,
        counted.gross_amount,
        counted.paid_amount,
        cast(
            case
                when counted.is_cancelled or invoices.is_cancellation then 0
                else counted.gross_amount
            end - counted.paid_amount as numeric(18, 2)
        ) as open_amount,
        counted.net_amount_huf,
        counted.vat_amount_huf,
        counted.gross_amount_huf,
        counted.paid_amount_huf,
        accounts.account_id is not null as has_account,
        counted.is_cancelled,
        invoices.is_cancellation,
        invoices.invoice_date,
        invoices.fulfillment_date,
        invoices.due_date,
        invoices.paid_date,
        counted.cancelled_date,
        invoices.loaded_at
    from invoices
    inner join counted on invoices.invoice_id = counted.invoice_id
    left join accounts
        on
            invoices.company_id = accounts.company_id
            and invoices.partner_id = accounts.partner_id
)

select * from invoices_of_accounts
