-- What the ledger says is owed for a sale is exactly what its state now known says (SPEC L6).
with

new_keys as (
    select distinct entry_key from {{ ref('fct_ledger_entries') }}
    where {{ recorded_lately() }}
    union
    select distinct entry_key from {{ ref('int_deals_unioned') }}
    where {{ recorded_lately('known_from') }}
),

ledger as (
    select
        entries.entry_key,
        sum(entries.amount) as amount,
        sum(entries.quantity) as quantity
    from {{ ref('fct_ledger_entries') }} as entries
    inner join new_keys on entries.entry_key = new_keys.entry_key
    group by entries.entry_key
),

states as (
    select
        states.entry_key,
        sum(states.amount) as amount,
        sum(states.quantity) as quantity
    from {{ ref('int_deals_unioned') }} as states
    inner join new_keys on states.entry_key = new_keys.entry_key
    where states.known_to = {{ open_end() }} and states.exception_reason is null
    group by states.entry_key
)

select
    coalesce(ledger.entry_key, states.entry_key) as entry_key,
    ledger.amount as ledger_amount,
    states.amount as state_amount
from ledger
full outer join states on ledger.entry_key = states.entry_key
where
    coalesce(ledger.amount, 0) != coalesce(states.amount, 0)
    or coalesce(ledger.quantity, 0) != coalesce(states.quantity, 0)
