{{ config(indexes=[
    {'columns': ['event_id']},
    {'columns': ['lead_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

events as (
    select * from {{ ref('int_disposition_events_known') }}
),

leads as (
    select * from {{ ref('int_leads_known') }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

stg_boberdoo__lead_partners as (
    select * from {{ ref('stg_boberdoo__lead_partners') }}
),

buyers as (
    select
        *,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by source_key order by loaded_at
        ), {{ open_end() }}) as known_to
    from stg_boberdoo__lead_partners
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched_by_themselves as (
        select event_id from events
        where {{ changed_since(known) }}
        {% for name in ['lead_id', 'phone', 'email'] %}
            union
            select events.event_id
            from events
            inner join leads on events.{{ name }} = leads.{{ name }}
            where {{ changed_since(known, 'leads') }}
        {% endfor %}
        union
        select events.event_id
        from events
        inner join sales on events.lead_id = sales.lead_id
        where {{ changed_since(known, 'sales') }}
        union
        select events.event_id
        from events
        inner join call_leads on events.call_id = call_leads.call_id
        where {{ changed_since(known, 'call_leads') }}
    ),

    -- An event whose lead has become known brings its reference to others (SPEC D7a).
    new_references as (
        select
            partner_id,
            buyer_lead_ref
        from stg_boberdoo__lead_partners
        where loaded_at > {{ known }} and buyer_lead_ref is not null
        union
        select
            partner_id,
            buyer_lead_ref
        from events
        where
            buyer_lead_ref is not null
            and event_id in (select touched_by_themselves.event_id from touched_by_themselves)
    ),

    touched as (
        select event_id from touched_by_themselves
        union
        select events.event_id
        from events
        inner join new_references
            on
                events.partner_id = new_references.partner_id
                and events.buyer_lead_ref = new_references.buyer_lead_ref
    ),
{% endif %}

events_to_match as (
    select * from events
    {% if is_incremental() %}
        where event_id in (select touched.event_id from touched)
    {% endif %}
),

events_with_references as (
    select events.*
    from events
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
        min(known_from) as known_from,
        {{ open_end() }} as known_to
    from (
        select
            lead_id,
            known_from
        from leads
        where lead_id in (select named_leads.lead_id from named_leads)
        union all
        select
            lead_id,
            known_from
        from sales
        where lead_id in (select named_leads.lead_id from named_leads)
    ) as sightings
    group by lead_id
),

known_references as (
    select
        partner_id,
        buyer_lead_ref,
        lead_id,
        known_from,
        known_to
    from buyers
    where not is_deleted and lead_id is not null
    union all
    select
        events.partner_id,
        events.buyer_lead_ref,
        events.lead_id,
        greatest(events.known_from, known_leads.known_from) as known_from,
        least(events.known_to, known_leads.known_to) as known_to
    from events_with_references as events
    inner join known_leads
        on events.lead_id = known_leads.lead_id and {{ overlapping('events', 'known_leads') }}
),

{% set steps = [
    ('known_leads', ['lead_id']),
    ('call_leads', ['call_id']),
    ('known_references', ['partner_id', 'buyer_lead_ref']),
    ('leads', ['phone']),
    ('leads', ['email']),
] %}
found as (
    {% for facts, names in steps %}
        {% if not loop.first %}union all{% endif %}
        select
            events_to_match.event_id,
            {{ loop.index }} as match_step,
            facts.lead_id,
            facts.known_from,
            facts.known_to,
            events_to_match.known_from as event_known_from,
            events_to_match.known_to as event_known_to
        from events_to_match
        inner join {{ facts }} as facts
            on
                {% for name in names %}
                    {{ 'and ' if not loop.first }}events_to_match.{{ name }} = facts.{{ name }}
                {% endfor %}
    {% endfor %}
),

candidates as (
    select distinct
        event_id,
        match_step,
        lead_id,
        greatest(known_from, event_known_from) as known_from,
        least(known_to, event_known_to) as known_to
    from found
    where known_from < event_known_to and known_to > event_known_from
)

select * from candidates
