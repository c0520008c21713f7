-- At every known time a sale has at most one state (SPEC L2).
with

new_keys as (
    select distinct entry_key from {{ ref('int_deals_unioned') }}
    where {{ recorded_lately('known_from') }}
),

followed as (
    select
        states.entry_key,
        states.known_from,
        states.known_to,
        lead(states.known_from) over (
            partition by states.entry_key order by states.known_from
        ) as known_from_after
    from {{ ref('int_deals_unioned') }} as states
    inner join new_keys on states.entry_key = new_keys.entry_key
)

select * from followed
where known_from >= known_to or known_to > known_from_after
