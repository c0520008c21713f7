-- A cancelled invoice and its cancellation net to zero, in their currency and in HUF, as a whole
-- and line by line (SPEC I3).
with

invoices as (
    select * from {{ ref('fct_invoices') }}
),

pairs as (
    select
        invoice_id,
        coalesce(cancels_invoice_id, invoice_id) as pair_id
    from invoices
    where cancels_invoice_id is not null or cancelled_date is not null
),

amounts as (
    select
        pairs.pair_id,
        '' as line_number,
        invoices.net_amount,
        invoices.gross_amount,
        invoices.net_amount_huf,
        invoices.gross_amount_huf
    from invoices
    inner join pairs on invoices.invoice_id = pairs.invoice_id
    union all
    select
        pairs.pair_id,
        cast(invoice_lines.line_number as varchar(20)) as line_number,
        invoice_lines.net_amount,
        invoice_lines.gross_amount,
        invoice_lines.net_amount_huf,
        invoice_lines.gross_amount_huf
    from {{ ref('fct_invoice_lines') }} as invoice_lines
    inner join pairs on invoice_lines.invoice_id = pairs.invoice_id
)

select
    pair_id,
    line_number
from amounts
group by pair_id, line_number
having
    sum(net_amount) != 0
    or sum(gross_amount) != 0
    or sum(net_amount_huf) != 0
    or sum(gross_amount_huf) != 0
