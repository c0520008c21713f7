-- By the lead's id where somebody knows it, else by every other way there is, whichever step of
-- int_disposition_candidates_found would decide.
with

conversions as (
    select * from {{ ref('int_dispositions_read') }}
    where
        is_live
        and is_converted
        and event_id in (
            select rejudged.unit_key from {{ ref('int_conversions_rejudged') }} as rejudged
        )
),

known_leads as (
    {% for facts in [ref('stg_boberdoo__leads'), ref('stg_boberdoo__transactions')] -%}
        {{ 'union' if not loop.first }}
        select lead_id from {{ facts }}
        where lead_id in (select conversions.lead_id from conversions)
    {% endfor %}
),

unnamed as (
    select conversions.*
    from conversions
    left join known_leads on conversions.lead_id = known_leads.lead_id
    where known_leads.lead_id is null
),

calls_of_unnamed as (
    select
        unnamed.event_id,
        calls.phone,
        calls.lead_ids
    from unnamed
    inner join {{ ref('int_calls_read') }} as calls on unnamed.call_id = calls.call_id
),

leads_read as (
    select
        event_id,
        lead_id
    from conversions
    where lead_id in (select known_leads.lead_id from known_leads)
    {% for facts in [ref('stg_boberdoo__lead_partners'), ref('int_dispositions_read')] %}
        union
        select
            unnamed.event_id,
            facts.lead_id
        from unnamed
        inner join {{ facts }} as facts
            on
                unnamed.partner_id = facts.partner_id
                and unnamed.buyer_lead_ref = facts.buyer_lead_ref
        where facts.lead_id is not null
    {% endfor %}
    {% for name in ['phone', 'email'] %}
        union
        select
            unnamed.event_id,
            leads.lead_id
        from unnamed
        inner join {{ ref('stg_boberdoo__leads') }} as leads
            on unnamed.{{ name }} = leads.{{ name }}
        inner join {{ ref('int_sales_read') }} as sales
            on leads.lead_id = sales.lead_id and unnamed.partner_id = sales.partner_id
        where
            sales.is_live
            and sales.occurred_at >= {{ dbt.dateadd(
                'day', -1 * var('disposition_window_days'), 'cast(unnamed.status_at as date)'
            ) }}
            and sales.occurred_at < {{ dbt.dateadd('day', 1, 'cast(unnamed.status_at as date)') }}
    {% endfor %}
    union
    select
        calls_of_unnamed.event_id,
        leads.lead_id
    from calls_of_unnamed
    inner join {{ ref('stg_boberdoo__leads') }} as leads on calls_of_unnamed.phone = leads.phone
    union
    select
        calls_of_unnamed.event_id,
        cast(split_part(calls_of_unnamed.lead_ids, ',', numbers.number) as varchar(100)) as lead_id
    from calls_of_unnamed
    inner join {{ numbers(100) }} as numbers
        on split_part(calls_of_unnamed.lead_ids, ',', numbers.number) != ''
)

select * from leads_read
