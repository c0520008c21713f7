-- A later final status of the lead, by any name of it, takes a conversion back (SPEC D4, D4a).
with

pairs as (
    select * from {{ ref('int_conversion_pairs_rejudged') }}
),

dispositions as (
    select * from {{ ref('int_dispositions_read') }}
),

-- A reference names a lead for the partner that gave it; all else does for anybody.
names_of_leads as (
    select
        lead_id as name,
        lead_id,
        partner_id
    from pairs
    {% for name in ['phone', 'email'] %}
        union
        select
            leads.{{ name }},
            leads.lead_id,
            pairs.partner_id
        from {{ ref('stg_boberdoo__leads') }} as leads
        inner join pairs on leads.lead_id = pairs.lead_id
        where leads.{{ name }} is not null
    {% endfor %}
    {% for facts in [ref('stg_boberdoo__lead_partners'), ref('int_dispositions_read')] %}
        union
        select
            buyer_lead_ref,
            lead_id,
            partner_id
        from {{ facts }}
        where buyer_lead_ref is not null and lead_id in (select pairs.lead_id from pairs)
    {% endfor %}
),

undone as (
    {% for name in ['lead_id', 'phone', 'email', 'buyer_lead_ref'] %}
        {{ 'union' if not loop.first }}
        select
            pairs.event_id,
            pairs.lead_id
        from pairs
        inner join names_of_leads
            on
                pairs.lead_id = names_of_leads.lead_id
                and pairs.partner_id = names_of_leads.partner_id
        inner join dispositions
            on
                names_of_leads.name = dispositions.{{ name }}
                and pairs.partner_id = dispositions.partner_id
                and pairs.status_at <= dispositions.status_at
        where dispositions.is_live and dispositions.is_undoing
    {% endfor %}
)

select * from undone
