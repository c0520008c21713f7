{{ config(severity='warn', tags=['whole_history']) }}
-- The items of a document add up to it, but for what rounding leaves, one unit an item (SPEC R7a):
-- else an item was not landed, or was landed twice.
with

documents as (
    {{ live_versions(ref('stg_billingo__documents')) }}
),

items as (
    {{ live_versions(ref('stg_billingo__items')) }}
),

sums as (
    select
        company_id,
        document_id,
        count(*) as items,
        sum(gross_amount) as gross_amount
    from items
    group by company_id, document_id
)

select
    documents.company_id,
    documents.document_id,
    documents.invoice_number,
    documents.gross_amount,
    sums.gross_amount as gross_amount_of_items
from documents
left join sums
    on documents.company_id = sums.company_id and documents.document_id = sums.document_id
where
    abs(coalesce(documents.gross_amount, 0) - coalesce(sums.gross_amount, 0))
    > coalesce(sums.items, 0)
