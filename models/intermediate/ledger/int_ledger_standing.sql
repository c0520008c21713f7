with

sealed as (
    select * from {{ sealed_entries() }} as sealed_entries
),

-- At one time the reversal of what stood comes before the booking of what stands.
last_moments as (
    select
        entry_key,
        max(case when entry_kind = 'booking' then recorded_at end) as booked_at,
        coalesce(
            max(case when entry_kind = 'reversal' then recorded_at end), {{ beginning() }}
        ) as reversed_at
    from sealed
    group by entry_key
)

select
    sealed.{{ entry_columns() | join(',\n    sealed.') }},
    sealed.entry_id
from sealed
inner join last_moments
    on
        sealed.entry_key = last_moments.entry_key
        and sealed.recorded_at = last_moments.booked_at
        and last_moments.booked_at >= last_moments.reversed_at
where sealed.entry_kind = 'booking'
