-- A reference names the lead that boberdoo, or an event with the lead's id, ties it to (SPEC D7a).
with

buyers as (
    select
        *,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by source_key order by loaded_at
        ), {{ open_end() }}) as known_to
    from {{ ref('stg_boberdoo__lead_partners') }}
),

events_to_match as (
    select * from {{ ref('int_disposition_events_known') }}
    where event_id in (
        select changed.event_id from {{ ref('int_disposition_candidates_changed') }} as changed
    )
),

events_with_references as (
    select events.*
    from {{ ref('int_disposition_events_known') }} as events
    inner join (
        select distinct
            partner_id,
            buyer_lead_ref
        from events_to_match
    ) as references_to_match
        on
            events.partner_id = references_to_match.partner_id
            and events.buyer_lead_ref = references_to_match.buyer_lead_ref
    where events.lead_id is not null
),

named_leads as (
    select lead_id from events_to_match
    union
    select lead_id from events_with_references
),

known_leads as (
    select
        lead_id,
        min(known_from) as known_from
    from (
        {% for facts in [ref('int_leads_known'), ref('int_sales_typed')] %}
            {{ 'union all' if not loop.first }}
            select
                lead_id,
                known_from
            from {{ facts }}
            where lead_id in (select named_leads.lead_id from named_leads)
        {% endfor %}
    ) as sightings
    group by lead_id
),

leads_named as (
    select
        cast(null as varchar(50)) as partner_id,
        cast(null as varchar(200)) as buyer_lead_ref,
        lead_id,
        known_from,
        {{ open_end() }} as known_to
    from known_leads
    union
    select
        partner_id,
        buyer_lead_ref,
        lead_id,
        known_from,
        known_to
    from buyers
    where not is_deleted and lead_id is not null and buyer_lead_ref is not null
    union
    select
        events.partner_id,
        events.buyer_lead_ref,
        events.lead_id,
        greatest(events.known_from, known_leads.known_from) as known_from,
        events.known_to
    from events_with_references as events
    inner join known_leads
        on events.lead_id = known_leads.lead_id and events.known_to > known_leads.known_from
)

select * from leads_named
