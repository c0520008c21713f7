with

corrections as (
    select * from {{ ref('int_call_corrections') }}
),

{{ known_spans('root_transaction_id', ['corrections']) }},

-- Of each root the latest correction stands, whichever call it names.
in_order as (
    select
        corrections.transaction_id,
        spans.root_transaction_id,
        spans.known_from,
        spans.known_to,
        row_number() over (
            partition by spans.root_transaction_id, spans.known_from
            order by
                coalesce(corrections.corrected_at, {{ beginning() }}) desc,
                corrections.loaded_at desc,
                corrections.transaction_id desc
        ) as recency
    from spans
    inner join corrections
        on
            spans.root_transaction_id = corrections.root_transaction_id
            and {{ known_at('corrections') }}
)

select
    transaction_id,
    root_transaction_id,
    recency > 1 as is_replaced,
    known_from,
    known_to
from in_order
