with

events as (
    select * from {{ ref('int_disposition_events_known') }}
    where event_id in (
        select changed.event_id from {{ ref('int_disposition_matches_changed') }} as changed
    )
),

decided as (
    select * from {{ ref('int_dispositions_decided') }}
),

matched as (
    select
        events.event_id,
        events.file_name,
        events.row_number,
        events.load_id,
        events.partner_id,
        case when events.bad_status_date is null then decided.lead_id end as lead_id,
        events.call_id,
        events.raw_status,
        cast(events.partner_id || '|' || events.raw_status as varchar(600)) as partner_map_key,
        cast('*|' || events.raw_status as varchar(600)) as map_key_of_all,
        events.sale_amount,
        case when events.bad_status_date is null then decided.match_step end as match_step,
        events.bad_status_date,
        cast(case
            when events.bad_status_date is not null then 'bad_status_date'
            when decided.lead_id is not null then null
            when decided.match_step is not null then 'ambiguous_match'
            when not decided.has_call then 'no_match'
        end as varchar(20)) as parked_because,
        events.status_at,
        events.first_loaded_at,
        decided.known_from,
        decided.known_to
    from decided
    inner join events
        on decided.event_id = events.event_id and {{ known_at('events', 'decided') }}
)

select * from matched
