with

restatement as (
    {{ newest_restatement() | indent }}
),

moves as (
    select
        entry_key,
        min(coalesce(starts_at, known_to)) as moves_at
    from {{ ref('int_ledger_states') }}
    group by entry_key
),

stated as (
    select
        entry_key,
        min(known_from) as stated_from
    from {{ ref('int_deals_unioned') }}
    where exception_reason is null
    group by entry_key
),

sealed as (
    select distinct entry_key from {{ sealed_entries() }} as sealed_entries
),

keys as (
    select entry_key from sealed
    union
    select stated.entry_key
    from stated
    inner join restatement on stated.stated_from <= restatement.restated_at
)

select
    keys.entry_key,
    sealed.entry_key is not null as is_sealed,
    coalesce(stated.stated_from <= restatement.sealed_through, false) as was_stated,
    least(restatement.restated_at, coalesce(moves.moves_at, restatement.restated_at)) as switches_at
from keys
cross join restatement
left join moves on keys.entry_key = moves.entry_key
left join stated on keys.entry_key = stated.entry_key
left join sealed on keys.entry_key = sealed.entry_key
