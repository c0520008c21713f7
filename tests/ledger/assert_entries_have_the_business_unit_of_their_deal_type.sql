-- What stands booked belongs to the business unit that its deal type has now (SPEC L2a).
with

deal_types as (
    {{ live_versions(ref('stg_seeds__deal_types')) }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where source in ('boberdoo', 'dispositions')
),

keys_to_check as (
    select entry_key from entries
    where {{ recorded_lately() }}
    union
    select entry_key from entries
    where
        deal_type in (
            select landed.deal_type from {{ ref('stg_seeds__deal_types') }} as landed
            where {{ unpublished('landed.loaded_at') }}
        )
),

bookings as (
    select
        entries.*,
        row_number() over (
            partition by entries.entry_key
            order by entries.recorded_at desc, entries.entry_kind asc
        ) as recency
    from entries
    inner join keys_to_check on entries.entry_key = keys_to_check.entry_key
)

select
    bookings.entry_id,
    bookings.deal_type,
    bookings.business_unit,
    deal_types.business_unit as business_unit_now
from bookings
left join deal_types on bookings.deal_type = deal_types.deal_type
where
    bookings.recency = 1
    and bookings.entry_kind = 'booking'
    and coalesce(bookings.business_unit, '') != coalesce(deal_types.business_unit, 'none')
