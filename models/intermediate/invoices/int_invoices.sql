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

-- A cancellation counts as the negative of what it cancels, whatever sign its own amounts have.
counted_invoices as (
    select
        invoices.*,
        originals.invoice_id as cancels_invoice_id,
        coalesce(originals.invoice_id, invoices.invoice_id) as counted_invoice_id,
        case
            when originals.invoice_id is not null then -1
            when invoices.is_cancellation and invoices.gross_amount > 0 then -1
            else 1
        end as direction
    from invoices
    left join invoices as originals
        on
            invoices.company_id = originals.company_id
            and invoices.related_document_id = originals.document_id
            and invoices.is_cancellation
            and not originals.is_cancellation
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
    {{ amount_huf('net_amount') }} as net_amount_huf,
    {{ amount_huf('vat_amount') }} as vat_amount_huf,
    {{ amount_huf('gross_amount') }} as gross_amount_huf,
    is_cancelled,
    is_cancellation,
    invoice_date,
    fulfillment_date,
    coalesce(due_date, invoice_date) as due_date,
    paid_date,
    loaded_at
from counted_invoices
