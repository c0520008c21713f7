-- Only what the partner itself bought; phone and e-mail see it within a window (SPEC D7).
with

changed as (
    select * from {{ ref('int_disposition_matches_changed') }}
),

events as (
    select
        *,
        cast(status_at as date) as status_date
    from {{ ref('int_disposition_events_known') }}
    where event_id in (select changed.event_id from changed)
),

candidates as (
    select distinct
        event_id,
        lead_id
    from {{ ref('int_disposition_candidates_found') }}
    where event_id in (select changed.event_id from changed)
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where is_sold
),

purchases_found as (
    select distinct
        events.event_id,
        sales.lead_id,
        case
            when
                sales.occurred_at >= {{ dbt.dateadd(
                    'day', -1 * var('disposition_window_days'), 'events.status_date'
                ) }}
                and sales.occurred_at < {{ dbt.dateadd('day', 1, 'events.status_date') }}
                then 1
            else 0
        end as is_in_window,
        greatest(events.known_from, sales.known_from) as known_from,
        least(events.known_to, sales.known_to) as known_to
    from candidates
    inner join events on candidates.event_id = events.event_id
    inner join sales
        on
            candidates.lead_id = sales.lead_id
            and events.partner_id = sales.partner_id
            and {{ overlapping('events', 'sales') }}
)

select * from purchases_found
