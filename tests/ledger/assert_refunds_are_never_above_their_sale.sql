-- Of a sale no more is given back than it stands booked at; of one that is not, or is corrected to
-- less than nothing, nothing at all (SPEC D3).
with

refunded as (
    select distinct linked_entry_key as entry_key from {{ ref('fct_ledger_entries') }}
    where component = 'refund' and {{ recorded_lately() }}
    union
    select distinct entry_key from {{ ref('fct_ledger_entries') }}
    where component = 'sale' and entry_kind = 'reversal' and {{ recorded_lately() }}
),

sales as (
    select
        entries.entry_key,
        sum(entries.amount) as sold
    from {{ ref('fct_ledger_entries') }} as entries
    inner join refunded on entries.entry_key = refunded.entry_key
    where entries.component = 'sale'
    group by entries.entry_key
),

refunds as (
    select
        entries.linked_entry_key,
        sum(entries.amount) as refunded
    from {{ ref('fct_ledger_entries') }} as entries
    inner join refunded on entries.linked_entry_key = refunded.entry_key
    where entries.component = 'refund'
    group by entries.linked_entry_key
)

select
    refunds.linked_entry_key as entry_key,
    sales.sold,
    refunds.refunded
from refunds
left join sales on refunds.linked_entry_key = sales.entry_key
where refunds.refunded < -greatest(coalesce(sales.sold, 0), 0) or refunds.refunded > 0
