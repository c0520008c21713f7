-- Found by whole builds only: all that is known until a restatement is known for ever after it.
with

states as (
    select
        *,
        known_from <= sealed_through as is_spanning
    from {{ ref('int_ledger_states') }}
),

compared as (
    select
        switches.entry_key,
        switches.switches_at,
        switches.is_sealed,
        switches.was_stated,
        standing.entry_id as standing_id,
        begun.entry_key is not null as is_stated,
        coalesce(begun.is_spanning, false) as is_spanning,
        coalesce(begun.opened_because, '') as opened_because,
        ended.closed_because,
        standing.entry_id is not null and begun.entry_key is not null
        and {{ same_values(figure_columns(), 'standing', 'begun') }} as is_continued,
        {{ same_values(entry_columns(), 'standing', 'begun') }} as is_same_row
    from {{ ref('int_ledger_switches') }} as switches
    left join {{ ref('int_ledger_standing') }} as standing
        on switches.entry_key = standing.entry_key
    left join states as begun
        on switches.entry_key = begun.entry_key and switches.switches_at = begun.starts_at
    left join states as ended
        on
            switches.entry_key = ended.entry_key
            and switches.switches_at = ended.known_to
            and ended.starts_at is null
    where {{ is_switching() }}
)

select
    entry_key,
    standing_id,
    cast(case
        when is_spanning or (not is_stated and closed_because is null) then 'rule_changed'
        when is_stated then 'corrected'
        else closed_because
    end as varchar(50)) as end_reason,
    is_continued,
    is_sealed,
    -- Stated before, never published, nothing holds at the switch: its next booking is its first.
    not is_sealed and was_stated and not is_stated as is_awaited,
    switches_at
from compared
where
    case
        -- It ends, goes on under its old versions, or in a state begun since.
        when standing_id is not null then not (is_continued and is_same_row and is_spanning)
        -- It appears, or begins as if something had stood before.
        else is_spanning or opened_because = 'corrected'
    end
    -- Why it is booked next is not what its states say.
    or is_sealed != was_stated
