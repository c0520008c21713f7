with

document_versions as (
    select * from {{ ref('stg_billingo__documents') }}
),

documents as (
    {{ live_versions('document_versions') }}
),

type_versions as (
    select * from {{ ref('stg_seeds__invoice_types') }}
),

invoice_types as (
    {{ live_versions('type_versions') }}
),

invoices as (
    select
        documents.*,
        documents.company_id || ':' || documents.document_id as invoice_id,
        invoice_types.is_cancellation
    from documents
    inner join invoice_types on documents.document_type = invoice_types.document_type
    where invoice_types.is_invoice
),

{{ cancellation_chains('invoices') }},

-- A cancellation counts as the negative of what it cancels, whatever sign its own amounts have;
-- where that is not known, as its own negative.
signed_invoices as (
    select
        *,
        case when is_cancellation and gross_amount > 0 then -1 else 1 end as own_direction
    from invoices
),

counted_invoices as (
    select
        invoices.*,
        chains.cancels_invoice_id,
        coalesce(chains.counted_invoice_id, invoices.invoice_id) as counted_invoice_id,
        coalesce(chains.direction * counted.own_direction, invoices.own_direction) as direction
    from signed_invoices as invoices
    left join chains on invoices.invoice_id = chains.invoice_id
    left join signed_invoices as counted on chains.counted_invoice_id = counted.invoice_id
)

select
    invoice_id,
    counted_invoice_id,
    cancels_invoice_id,
    company_id,
    document_id,
    partner_id,
    partner_name,
    invoice_number,
    document_type,
    payment_status,
    payment_method,
    currency,
    direction,
    conversion_rate,
    net_amount,
    vat_amount,
    gross_amount,
    {{ amount_huf('net_amount', 'net_amount_huf') }} as net_amount_huf,
    {{ amount_huf('vat_amount', 'vat_amount_huf') }} as vat_amount_huf,
    {{ amount_huf('gross_amount', 'gross_amount_huf') }} as gross_amount_huf,
    is_cancelled,
    is_cancellation,
    invoice_date,
    fulfillment_date,
    coalesce(due_date, invoice_date) as due_date,
    paid_date,
    loaded_at
from counted_invoices
