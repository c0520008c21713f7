{#- The leads that converting dispositions may be about, read from staging (SPEC D7): by the lead's
    id where somebody knows it, else by every other way there is, whichever step would decide.

    Reads the CTEs `conversions`, `dispositions`, `lead_versions`, `transactions`, `buyers`, `sales`
    and `calls`. Ends in a CTE `pairs`: each conversion beside each lead, and the key of both. -#}
{% macro disposition_candidates() -%}
known_leads as (
    select lead_id from lead_versions
    where lead_id in (select conversions.lead_id from conversions)
    union
    select lead_id from transactions
    where lead_id in (select conversions.lead_id from conversions)
),

-- Without the id of a lead that somebody knows, every other way there is.
unnamed as (
    select conversions.*
    from conversions
    left join known_leads on conversions.lead_id = known_leads.lead_id
    where known_leads.lead_id is null and conversions.is_fact
),

candidates as (
    select
        conversions.event_id,
        conversions.lead_id
    from conversions
    inner join known_leads on conversions.lead_id = known_leads.lead_id
    where conversions.is_fact
    {% for facts in ['buyers', 'dispositions'] %}
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
            lead_versions.lead_id
        from unnamed
        inner join lead_versions on unnamed.{{ name }} = lead_versions.{{ name }}
        inner join sales
            on lead_versions.lead_id = sales.lead_id and unnamed.partner_id = sales.partner_id
        where
            sales.is_live
            and sales.occurred_at >= {{ dbt.dateadd(
                'day', -1 * var('disposition_window_days'), 'cast(unnamed.status_at as date)'
            ) }}
            and sales.occurred_at < {{ dbt.dateadd('day', 1, 'cast(unnamed.status_at as date)') }}
    {% endfor %}
    union
    select
        unnamed.event_id,
        cast(split_part(calls.lead_ids, ',', numbers.number) as varchar(100)) as lead_id
    from unnamed
    inner join calls on unnamed.call_id = calls.call_id
    inner join {{ numbers(100) }} as numbers
        on numbers.number <= length(calls.lead_ids) - length(replace(calls.lead_ids, ',', '')) + 1
    where split_part(calls.lead_ids, ',', numbers.number) != ''
    union
    select
        unnamed.event_id,
        lead_versions.lead_id
    from unnamed
    inner join calls on unnamed.call_id = calls.call_id
    inner join lead_versions on calls.phone = lead_versions.phone
),

pairs as (
    select
        conversions.event_id,
        conversions.partner_id,
        conversions.status_at,
        candidates.lead_id,
        cast('conversion:' || candidates.lead_id || ':' || conversions.partner_id as varchar(250))
            as pair_key
    from candidates
    inner join conversions on candidates.event_id = conversions.event_id
)
{%- endmacro %}
