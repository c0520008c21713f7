-- An invoice and all that cancels it are nothing together where it is cancelled, and the invoice
-- itself where a cancellation was cancelled in its turn: in its currency and in HUF, as a whole and
-- line by line (SPEC I3).
{%- set amounts = ['net_amount', 'gross_amount', 'net_amount_huf', 'gross_amount_huf'] %}
with

invoices as (
    select * from {{ ref('fct_invoices') }}
),

links as (
    select
        invoice_id,
        cancels_invoice_id
    from invoices
    where cancels_invoice_id is not null
),

-- What is cancelled at the bottom of a chain of at most five.
pairs as (
    select
        links.invoice_id,
        coalesce(
            fourth.cancels_invoice_id, third.cancels_invoice_id, twice.cancels_invoice_id,
            once.cancels_invoice_id, links.cancels_invoice_id
        ) as pair_id,
        1 as weight
    from links
    left join links as once on links.cancels_invoice_id = once.invoice_id
    left join links as twice on once.cancels_invoice_id = twice.invoice_id
    left join links as third on twice.cancels_invoice_id = third.invoice_id
    left join links as fourth on third.cancels_invoice_id = fourth.invoice_id
),

-- The invoice is among its own; what is not cancelled now is expected to be left.
weights as (
    select * from pairs
    union all
    select distinct
        pairs.pair_id as invoice_id,
        pairs.pair_id,
        case when invoices.is_cancelled then 1 else 0 end as weight
    from pairs
    inner join invoices on pairs.pair_id = invoices.invoice_id
),

amounts as (
    select
        {%- for amount in amounts %}
            weights.weight * invoices.{{ amount }} as {{ amount }},
        {%- endfor %}
        weights.pair_id,
        '' as line_number
    from invoices
    inner join weights on invoices.invoice_id = weights.invoice_id
    union all
    select
        {%- for amount in amounts %}
            weights.weight * invoice_lines.{{ amount }} as {{ amount }},
        {%- endfor %}
        weights.pair_id,
        cast(invoice_lines.line_number as varchar(20)) as line_number
    from {{ ref('fct_invoice_lines') }} as invoice_lines
    inner join weights on invoice_lines.invoice_id = weights.invoice_id
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
