with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
),

held as (
    {{ held_since('dispositions', 'event_id', 'parked_because') | indent(4) }}
),

parked as (
    select
        event_id,
        partner_id,
        cast(parked_because as varchar(50)) as reason,
        call_id,
        raw_status,
        status,
        load_id,
        bad_status_date as status_date,
        case when bad_status_date is null then status_at end as status_at,
        since
    from held
    where known_to = {{ open_end() }}
)

select * from parked
