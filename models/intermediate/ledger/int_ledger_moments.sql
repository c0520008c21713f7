-- Each part reads the states itself, by an index of the moment it is of: Postgres would write a CTE
-- with several readers out.
{%- set is_standing = 'coalesce(transitions.is_continued'
    ~ ' and transitions.switches_at = states.starts_at, false)' %}
with

awaited as (
    select
        states.entry_key,
        min(states.starts_at) as first_at
    from {{ ref('int_ledger_transitions') }} as transitions
    inner join {{ ref('int_ledger_states') }} as states
        on transitions.entry_key = states.entry_key
    where transitions.is_awaited
    group by states.entry_key
)

select
    states.{{ entry_columns() | join(',\n    states.') }},
    cast('booking' as varchar(10)) as entry_kind,
    1 as direction,
    cast(case
        when transitions.entry_key is null then states.opened_because
        when
            states.known_from = transitions.switches_at and transitions.standing_id is not null
            then 'corrected'
        when states.known_from = transitions.switches_at and transitions.is_sealed then 'restored'
        when states.known_from = transitions.switches_at then 'new'
        when transitions.is_sealed and states.opened_because = 'new' then 'restored'
        when states.known_from = awaited.first_at then 'new'
        else states.opened_because
    end as varchar(50)) as reason,
    states.known_from as recorded_at
from {{ ref('int_ledger_states') }} as states
left join {{ ref('int_ledger_transitions') }} as transitions
    on states.entry_key = transitions.entry_key
left join awaited on states.entry_key = awaited.entry_key
where states.known_from > states.sealed_through and not {{ is_standing }}

union all

select
    states.{{ entry_columns() | join(',\n    states.') }},
    cast('reversal' as varchar(10)) as entry_kind,
    -1 as direction,
    states.closed_because as reason,
    states.known_to as recorded_at
from {{ ref('int_ledger_states') }} as states
left join {{ ref('int_ledger_transitions') }} as transitions
    on states.entry_key = transitions.entry_key
where
    states.known_to < {{ open_end() }}
    and states.starts_at is not null
    and not {{ is_standing }}

union all

-- What goes on under a sealed entry ends as that entry.
select
    sealed.{{ entry_columns() | join(',\n    sealed.') }},
    cast('reversal' as varchar(10)) as entry_kind,
    -1 as direction,
    states.closed_because as reason,
    states.known_to as recorded_at
from {{ ref('int_ledger_states') }} as states
inner join {{ ref('int_ledger_transitions') }} as transitions
    on states.entry_key = transitions.entry_key and {{ is_standing }}
inner join {{ sealed_entries() }} as sealed on transitions.standing_id = sealed.entry_id
where states.known_to < {{ open_end() }}
