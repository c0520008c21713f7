-- What stands booked for a delivery is the list price and the discount that the rows of prices and
-- plans known now give for its time (SPEC L12-L14), read a second way: from staging, without the
-- timelines and states.
with

prices as (
    {{ live_versions(ref('stg_billing_db__product_prices')) }}
),

plans as (
    {{ live_versions(ref('stg_billing_db__subscription_plans')) }}
),

price_spans as (
    select
        product,
        price,
        effective_at,
        coalesce(lead(effective_at) over (
            partition by product order by effective_at, price_id
        ), {{ open_end() }}) as effective_to
    from prices
    where product is not null and effective_at is not null
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where source = 'billing_db'
),

keys_to_check as (
    select entry_key from entries
    where {{ recorded_lately() }}
    union
    select entry_key from entries
    where
        lead_type in (
            select landed.product from {{ ref('stg_billing_db__product_prices') }} as landed
            where {{ unpublished('landed.loaded_at') }}
        )
    union
    select entry_key from entries
    where
        account_id in (
            select 'broker:' || cast(landed.mortgage_broker_id as varchar(20))
            from {{ ref('stg_billing_db__subscription_plans') }} as landed
            where {{ unpublished('landed.loaded_at') }}
        )
),

standing as (
    select
        entries.entry_key,
        max(entries.lead_type) as lead_type,
        substring(max(entries.source_key), 2 + length(split_part(max(entries.source_key), ':', 1)))
            as source_key,
        sum(entries.list_amount) as list_amount,
        sum(entries.discount_amount) as discount_amount
    from entries
    inner join keys_to_check on entries.entry_key = keys_to_check.entry_key
    group by entries.entry_key
    having sum(entries.quantity) > 0
),

versions as (
    select
        standing.entry_key,
        standing.list_amount,
        standing.discount_amount,
        deliveries.lead_type,
        deliveries.mortgage_broker_id,
        deliveries.delivered_at,
        row_number() over (
            partition by standing.entry_key order by deliveries.loaded_at desc
        ) as recency
    from standing
    inner join {{ ref('stg_billing_db__deliveries') }} as deliveries
        on
            standing.lead_type = deliveries.lead_type
            and standing.source_key = deliveries.source_key
),

priced as (
    select
        versions.*,
        plans.plan_id,
        plans.discount_type,
        plans.discount_value,
        cast(round(price_spans.price, 2) as numeric(18, 2)) as list_price,
        row_number() over (
            partition by versions.entry_key order by plans.started_at desc, plans.plan_id desc
        ) as preference
    from versions
    left join price_spans
        on
            versions.lead_type = price_spans.product
            and versions.delivered_at >= price_spans.effective_at
            and versions.delivered_at < price_spans.effective_to
    left join plans
        on
            versions.mortgage_broker_id = plans.mortgage_broker_id
            and versions.delivered_at >= plans.started_at
            and versions.delivered_at < coalesce(plans.ended_at, {{ open_end() }})
    where versions.recency = 1
),

discounted as (
    select
        *,
        case
            when plan_id is null then 0
            when discount_type = 'percent' then round(list_price * discount_value / 100, 2)
            when discount_type = 'amount' then round(discount_value, 2)
        end as discount
    from priced
    where preference = 1
)

select * from discounted
where
    list_price is null
    or discount is null
    or list_amount != list_price
    or discount_amount != greatest(0, least(discount, list_price))
