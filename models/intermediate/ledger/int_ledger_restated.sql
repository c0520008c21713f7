-- What began before the restatement and holds after it under the new rules only, and what stood and
-- holds no more.
select
    states.{{ entry_columns() | join(',\n    states.') }},
    cast('booking' as varchar(10)) as entry_kind,
    1 as direction,
    cast('rule_changed' as varchar(50)) as reason,
    states.restated_at as recorded_at
from {{ ref('int_ledger_states') }} as states
inner join {{ ref('int_ledger_transitions') }} as transitions
    on states.entry_key = transitions.entry_key
where
    states.known_from <= states.sealed_through
    and states.starts_at is not null
    and not coalesce(transitions.is_continued, false)

union all

select
    sealed.{{ entry_columns() | join(',\n    sealed.') }},
    cast('reversal' as varchar(10)) as entry_kind,
    -1 as direction,
    transitions.end_reason as reason,
    transitions.switches_at as recorded_at
from {{ ref('int_ledger_transitions') }} as transitions
inner join {{ sealed_entries() }} as sealed on transitions.standing_id = sealed.entry_id
where not transitions.is_continued
