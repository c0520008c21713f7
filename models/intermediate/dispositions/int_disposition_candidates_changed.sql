{{ config(meta={'changes_of': 'int_disposition_candidates_found'}) }}
{%- set known = last_known('int_disposition_candidates_found') -%}
with

events as (
    select * from {{ ref('int_disposition_events_known') }}
),

lead_partners as (
    select * from {{ ref('stg_boberdoo__lead_partners') }}
),

leads as (
    select * from {{ ref('int_leads_known') }}
    where {{ changed_since(known) }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where {{ changed_since(known) }}
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
    where {{ changed_since(known) }}
),

changed_by_themselves as (
    select event_id from events
    where {{ changed_since(known) }}
    {% for facts, name in [
        ('leads', 'lead_id'), ('leads', 'phone'), ('leads', 'email'),
        ('sales', 'lead_id'), ('call_leads', 'call_id'),
    ] %}
        union
        select events.event_id
        from events
        inner join {{ facts }} on events.{{ name }} = {{ facts }}.{{ name }}
    {% endfor %}
),

-- Those that a lead has now, and those that it had: they name it no more. An event whose lead has
-- become known brings its reference to others (SPEC D7a).
new_references as (
    select
        partner_id,
        buyer_lead_ref
    from lead_partners
    where
        buyer_lead_ref is not null
        and source_key in (
            select landed.source_key from lead_partners as landed
            where landed.loaded_at > {{ known }}
        )
    union
    select
        events.partner_id,
        events.buyer_lead_ref
    from events
    inner join changed_by_themselves on events.event_id = changed_by_themselves.event_id
    where events.buyer_lead_ref is not null
)

select event_id from changed_by_themselves
union
select events.event_id
from events
inner join new_references
    on
        events.partner_id = new_references.partner_id
        and events.buyer_lead_ref = new_references.buyer_lead_ref
