{{ config(indexes=[
    {'columns': ['event_id']},
    {'columns': ['lead_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

events as (
    select * from {{ ref('int_disposition_events_known') }}
    where event_id in (
        select changed.event_id from {{ ref('int_disposition_candidates_changed') }} as changed
    )
),

leads_named as (
    select * from {{ ref('int_disposition_leads_named') }}
),

known_leads as (
    select * from leads_named
    where buyer_lead_ref is null
),

known_references as (
    select * from leads_named
    where buyer_lead_ref is not null
),

found as (
    {% for facts, names in [
        ('known_leads', ['lead_id']),
        (ref('int_call_leads_tied'), ['call_id']),
        ('known_references', ['partner_id', 'buyer_lead_ref']),
        (ref('int_leads_known'), ['phone']),
        (ref('int_leads_known'), ['email']),
    ] %}
        {% if not loop.first %}union all{% endif %}
        select
            events.event_id,
            {{ loop.index }} as match_step,
            facts.lead_id,
            facts.known_from,
            facts.known_to,
            events.known_from as event_known_from,
            events.known_to as event_known_to
        from events
        inner join {{ facts }} as facts
            on
                {% for name in names %}
                    {{ 'and ' if not loop.first }}events.{{ name }} = facts.{{ name }}
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
