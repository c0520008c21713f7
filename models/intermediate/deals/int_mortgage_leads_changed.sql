{{ config(meta={'changes_of': 'int_deals__mortgage_lead'}) }}
{%- set known = last_known('int_deals__mortgage_lead') -%}
{%- set prices = ref('int_product_prices_timeline') -%}
{%- set plans = ref('int_subscription_plans_timeline') -%}
{%- set billed_before = last_judged('int_deals__mortgage_lead') -%}
with

sightings as (
    select
        lead_type,
        source_key
    from {{ ref('stg_billing_db__deliveries') }}
    where loaded_at > {{ known }}
    {% if billed_before -%}
        union all
        select
            states.lead_type,
            split_part(states.source_key, ':', 2) as source_key
        from {{ billed_before }} as states
        inner join {{ prices }} as new_prices
            on
                states.lead_type = new_prices.product
                and states.occurred_at >= new_prices.effective_from
                and states.occurred_at < new_prices.effective_to
        where new_prices.known_from > {{ known }}
        union all
        select
            states.lead_type,
            split_part(states.source_key, ':', 2) as source_key
        from {{ billed_before }} as states
        inner join {{ plans }} as new_plans
            on
                states.account_id = 'broker:' || cast(new_plans.mortgage_broker_id as varchar(20))
                and states.occurred_at >= new_plans.effective_from
                and states.occurred_at < new_plans.effective_to
        where new_plans.known_from > {{ known }}
    {%- endif %}
)

-- `distinct` of a union of all: of a `union`, Postgres expects as many as went in, and then reads
-- all deliveries there are.
select distinct
    cast(lead_type as varchar(50)) as lead_type,
    cast(source_key as varchar(500)) as source_key
from sightings
