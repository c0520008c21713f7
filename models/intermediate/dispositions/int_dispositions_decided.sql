-- The first step with a candidate decides; of several, the one that the partner bought (SPEC D7).
with

changed as (
    select * from {{ ref('int_disposition_matches_changed') }}
),

events as (
    select * from {{ ref('int_disposition_events_known') }}
    where event_id in (select changed.event_id from changed)
),

candidates as (
    select * from {{ ref('int_disposition_candidates_found') }}
    where event_id in (select changed.event_id from changed)
),

purchases as (
    select * from {{ ref('int_disposition_purchases_found') }}
),

-- A call, once known, is not forgotten.
calls as (
    select
        events.event_id,
        greatest(events.known_from, min(calls.known_from)) as known_from,
        events.known_to
    from events
    inner join {{ ref('int_call_rows_counted') }} as calls
        on events.call_id = calls.call_id and events.known_to > calls.known_from
    where calls.is_call
    group by events.event_id, events.known_from, events.known_to
),

{{ known_spans('event_id', ['events', 'candidates', 'purchases', 'calls']) }},

candidates_in_spans as (
    select
        spans.event_id,
        spans.known_from,
        candidates.lead_id,
        candidates.match_step,
        max(case when purchases.lead_id is null then 0 else 1 end) as is_bought,
        max(coalesce(purchases.is_in_window, 0)) as is_in_window
    from spans
    inner join candidates on spans.event_id = candidates.event_id and {{ known_at('candidates') }}
    left join purchases
        on
            spans.event_id = purchases.event_id
            and candidates.lead_id = purchases.lead_id
            and {{ known_at('purchases') }}
    group by spans.event_id, spans.known_from, candidates.lead_id, candidates.match_step
),

steps as (
    select
        event_id,
        known_from,
        match_step,
        case
            when count(*) = 1 then max(lead_id)
            when sum(is_bought) = 1 then max(case when is_bought = 1 then lead_id end)
        end as lead_id,
        row_number() over (partition by event_id, known_from order by match_step) as preference
    from candidates_in_spans
    where match_step <= 3 or is_in_window = 1
    group by event_id, known_from, match_step
),

dispositions_decided as (
    select
        spans.event_id,
        steps.match_step,
        steps.lead_id,
        calls.event_id is not null as has_call,
        spans.known_from,
        spans.known_to
    from spans
    left join steps
        on
            spans.event_id = steps.event_id
            and spans.known_from = steps.known_from
            and steps.preference = 1
    left join calls on spans.event_id = calls.event_id and {{ known_at('calls') }}
)

select * from dispositions_decided
