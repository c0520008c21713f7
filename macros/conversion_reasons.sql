{#- Why a conversion of a lead by a partner is or is not the ledger's: what the partner bought, and
    whether a later final status took it back (SPEC D4, D4a), read from staging.

    Reads the CTEs `pairs`, `sales`, `dispositions`, `deal_type_versions`, `lead_versions` and
    `buyers`. Ends in a CTE `reasons` of event_id, lead_id, paid_on, is_paid_by_call, is_undone. -#}
{% macro conversion_reasons() -%}
{%- set by_call = "sales.deal_type = 'cpt' and coalesce(sales.rate_basis, '') = 'per_transfer'" %}
{%- set paid_on %}case
    when deal_types.deal_type is null then null
    when deal_types.paid_on is not null then deal_types.paid_on
    when deal_types.deal_type in ('cpa', 'cpt', 'warm_transfer') then 'conversion'
    else 'sale'
end{% endset %}
-- What the partner bought; of several sales, the earliest that is paid on conversion.
deal_types as (
    {{ live_versions('deal_type_versions') | indent(4) }}
),

bought as (
    select
        pairs.event_id,
        pairs.lead_id,
        {{ paid_on }} as paid_on,
        {{ by_call }} as is_paid_by_call,
        row_number() over (
            partition by pairs.event_id, pairs.lead_id
            order by
                case {{ paid_on }} when 'conversion' then 0 when 'sale' then 2 else 1 end asc,
                sales.occurred_at asc,
                sales.transaction_key asc
        ) as preference
    from pairs
    inner join sales on pairs.lead_id = sales.lead_id and pairs.partner_id = sales.partner_id
    left join deal_types on sales.deal_type = deal_types.deal_type
    where sales.is_live and sales.occurred_at is not null
),

-- A reference names a lead for the partner that gave it; all else does for anybody.
names_of_leads as (
    select distinct
        lead_id,
        lead_id as of_lead,
        partner_id as by_partner
    from pairs
    {% for name in ['phone', 'email'] %}
        union
        select
            lead_versions.{{ name }},
            lead_versions.lead_id,
            pairs.partner_id
        from lead_versions
        inner join pairs on lead_versions.lead_id = pairs.lead_id
        where lead_versions.{{ name }} is not null
    {% endfor %}
    {% for facts in ['buyers', 'dispositions'] %}
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
                pairs.lead_id = names_of_leads.of_lead
                and pairs.partner_id = names_of_leads.by_partner
        inner join dispositions
            on
                names_of_leads.lead_id = dispositions.{{ name }}
                and pairs.partner_id = dispositions.partner_id
                and pairs.status_at <= dispositions.status_at
        where dispositions.is_live and dispositions.is_undoing
    {% endfor %}
),

reasons as (
    select
        pairs.event_id,
        pairs.lead_id,
        bought.paid_on,
        coalesce(bought.is_paid_by_call, false) as is_paid_by_call,
        undone.event_id is not null as is_undone
    from pairs
    left join bought
        on
            pairs.event_id = bought.event_id
            and pairs.lead_id = bought.lead_id
            and bought.preference = 1
    left join undone on pairs.event_id = undone.event_id and pairs.lead_id = undone.lead_id
)
{%- endmacro %}
