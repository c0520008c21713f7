with

events as (
    select * from {{ ref('int_disposition_events_known') }}
),

candidates as (
    select * from {{ ref('int_disposition_candidates_found') }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where is_sold
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select event_id from events
        where {{ changed_since(known) }}
        union
        select event_id from candidates
        where {{ changed_since(known) }}
        union
        select candidates.event_id
        from candidates
        inner join {{ ref('int_sales_typed') }} as sales on candidates.lead_id = sales.lead_id
        where {{ changed_since(known, 'sales') }}
        union
        select events.event_id
        from events
        inner join calls on events.call_id = calls.call_id
        where {{ changed_since(known, 'calls') }}
    ),
{% endif %}

events_to_match as (
    select * from events
    {% if is_incremental() %}
        where event_id in (select touched.event_id from touched)
    {% endif %}
),

candidates_of_events as (
    select * from candidates
    where event_id in (select events_to_match.event_id from events_to_match)
),

-- What the partner bought of the candidates; phone and e-mail see it within a window (SPEC D7).
purchases as (
    select
        candidates.event_id,
        sales.lead_id,
        case
            when
                sales.occurred_at >= {{ dbt.dateadd(
                    'day', -1 * var('disposition_window_days'), 'cast(events.status_at as date)'
                ) }}
                and sales.occurred_at
                < {{ dbt.dateadd('day', 1, 'cast(events.status_at as date)') }}
                then 1
            else 0
        end as is_in_window,
        sales.known_from,
        sales.known_to
    from (
        select distinct
            event_id,
            lead_id
        from candidates_of_events
    ) as candidates
    inner join (
        select distinct
            event_id,
            partner_id,
            status_at
        from events_to_match
    ) as events on candidates.event_id = events.event_id
    inner join sales
        on candidates.lead_id = sales.lead_id and events.partner_id = sales.partner_id
),

calls_of_events as (
    select
        events_to_match.event_id,
        min(calls.known_from) as known_from,
        {{ open_end() }} as known_to
    from events_to_match
    inner join calls on events_to_match.call_id = calls.call_id
    group by events_to_match.event_id
),

{{ known_spans('event_id', [
    'events_to_match', 'candidates_of_events', 'purchases', 'calls_of_events',
]) }},

purchases_in_spans as (
    select
        spans.event_id,
        spans.known_from,
        purchases.lead_id,
        max(purchases.is_in_window) as is_in_window
    from spans
    inner join purchases on spans.event_id = purchases.event_id and {{ known_at('purchases') }}
    group by spans.event_id, spans.known_from, purchases.lead_id
),

candidates_in_spans as (
    select distinct
        spans.event_id,
        spans.known_from,
        candidates.match_step,
        candidates.lead_id,
        case when purchases.lead_id is null then 0 else 1 end as is_bought
    from spans
    inner join candidates_of_events as candidates
        on spans.event_id = candidates.event_id and {{ known_at('candidates') }}
    left join purchases_in_spans as purchases
        on
            spans.event_id = purchases.event_id
            and spans.known_from = purchases.known_from
            and candidates.lead_id = purchases.lead_id
    where candidates.match_step <= 3 or purchases.is_in_window = 1
),

first_steps as (
    select
        *,
        min(match_step) over (partition by event_id, known_from) as first_match_step
    from candidates_in_spans
),

-- The first step with a candidate decides; of several, the one that the partner bought.
decided as (
    select
        event_id,
        known_from,
        match_step,
        case
            when count(*) = 1 then max(lead_id)
            when sum(is_bought) = 1 then max(case when is_bought = 1 then lead_id end)
        end as lead_id
    from first_steps
    where match_step = first_match_step
    group by event_id, known_from, match_step
),

matched as (
    select
        events_to_match.event_id,
        events_to_match.file_name,
        events_to_match.row_number,
        events_to_match.load_id,
        events_to_match.partner_id,
        decided.lead_id,
        events_to_match.call_id,
        events_to_match.raw_status,
        cast(events_to_match.partner_id || '|' || events_to_match.raw_status as varchar(600))
            as partner_map_key,
        cast('*|' || events_to_match.raw_status as varchar(600)) as map_key_of_all,
        events_to_match.sale_amount,
        decided.match_step,
        events_to_match.bad_status_date,
        cast(case
            when events_to_match.bad_status_date is not null then 'bad_status_date'
            when decided.lead_id is not null then null
            when decided.event_id is not null then 'ambiguous_match'
            when calls_of_events.event_id is null then 'no_match'
        end as varchar(20)) as parked_because,
        events_to_match.status_at,
        events_to_match.first_loaded_at,
        spans.known_from,
        spans.known_to
    from spans
    inner join events_to_match
        on spans.event_id = events_to_match.event_id and {{ known_at('events_to_match') }}
    left join decided
        on
            spans.event_id = decided.event_id
            and spans.known_from = decided.known_from
            and events_to_match.bad_status_date is null
    left join calls_of_events
        on spans.event_id = calls_of_events.event_id and {{ known_at('calls_of_events') }}
)

select * from matched
