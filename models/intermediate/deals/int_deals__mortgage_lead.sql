with

deliveries as (
    select * from {{ ref('stg_billing_db__deliveries') }}
),

prices as (
    select * from {{ ref('int_product_prices_timeline') }}
),

plans as (
    select * from {{ ref('int_subscription_plans_timeline') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}

    -- What is new: landed deliveries, and those that a newly known price or plan rules (SPEC L9).
    -- Imported a second time: Postgres would write a CTE with two readers out, all history of it,
    -- and would not know how little is new.
    new_deliveries as (
        select * from {{ ref('stg_billing_db__deliveries') }}
        where loaded_at > {{ known }}
    ),

    new_prices as (
        select * from {{ ref('int_product_prices_timeline') }}
        where known_from > {{ known }}
    ),

    new_plans as (
        select * from {{ ref('int_subscription_plans_timeline') }}
        where known_from > {{ known }}
    ),

    sightings as (
        select
            lead_type,
            source_key
        from new_deliveries
        union all
        select
            states.lead_type,
            split_part(states.source_key, ':', 2) as source_key
        from {{ this }} as states
        inner join new_prices
            on
                states.lead_type = new_prices.product
                and states.occurred_at >= new_prices.effective_from
                and states.occurred_at < new_prices.effective_to
        union all
        select
            states.lead_type,
            split_part(states.source_key, ':', 2) as source_key
        from {{ this }} as states
        inner join new_plans
            on
                states.account_id = 'broker:' || cast(new_plans.mortgage_broker_id as varchar(20))
                and states.occurred_at >= new_plans.effective_from
                and states.occurred_at < new_plans.effective_to
    ),

    -- `distinct` of a union of all: of a `union`, Postgres expects as many as went in, and then
    -- reads all deliveries there are.
    touched as (
        select distinct
            lead_type,
            source_key
        from sightings
    ),

    deliveries_to_price as (
        select deliveries.*
        from deliveries
        inner join touched
            on
                deliveries.lead_type = touched.lead_type
                and deliveries.source_key = touched.source_key
    ),
{% else %}
    deliveries_to_price as (
        select * from deliveries
    ),
{% endif %}

versions as (
    select
        *,
        min(loaded_at) over (partition by lead_type, source_key) as first_loaded_at,
        coalesce(lead(loaded_at) over (
            partition by lead_type, source_key order by loaded_at
        ), {{ open_end() }}) as next_loaded_at,
        lead(is_deleted) over (
            partition by lead_type, source_key order by loaded_at
        ) as is_deleted_next
    from deliveries_to_price
),

versions_in_scope as (
    select * from versions
    where
        not is_deleted
        and (
            delivered_at is null
            or (
                delivered_at >= cast('{{ var("ledger_starts_on") }}' as timestamp)
                and delivered_at >= {{ dbt.dateadd(
                    'day', -1 * var('ledger_max_age_days'), 'first_loaded_at'
                ) }}
            )
        )
),

priced as (
    select
        versions_in_scope.*,
        prices.price_version_id,
        plans.terms_version_id,
        plans.discount_type,
        plans.discount_value,
        prices.price,
        cast(round(prices.price, 2) as numeric(18, 2)) as list_amount,
        greatest(versions_in_scope.loaded_at, prices.known_from, plans.known_from) as known_from,
        least(versions_in_scope.next_loaded_at, prices.known_to, plans.known_to) as known_to
    from versions_in_scope
    left join prices
        on
            versions_in_scope.lead_type = prices.product
            and versions_in_scope.delivered_at >= prices.effective_from
            and versions_in_scope.delivered_at < prices.effective_to
            and versions_in_scope.loaded_at < prices.known_to
            and versions_in_scope.next_loaded_at > prices.known_from
    left join plans
        on
            versions_in_scope.mortgage_broker_id = plans.mortgage_broker_id
            and versions_in_scope.delivered_at >= plans.effective_from
            and versions_in_scope.delivered_at < plans.effective_to
            and greatest(versions_in_scope.loaded_at, prices.known_from) < plans.known_to
            and least(versions_in_scope.next_loaded_at, prices.known_to) > plans.known_from
),

judged as (
    select
        *,
        cast(case
            when delivered_at is null or delivered_at >= {{ open_end() }} then 'no_delivered_at'
            when mortgage_broker_id is null then 'no_account'
            when price_version_id is null then 'no_price'
            when price is null or price < 0 then 'bad_price'
            when terms_version_id is null then null
            -- Blanks at the end count: Redshift would not see them (NOTES C9).
            when coalesce(discount_type, '') || '|' not in ('percent|', 'amount|') then 'bad_terms'
            when discount_value is null then 'bad_terms'
        end as varchar(50)) as exception_reason,
        cast(case
            when terms_version_id is null then 0
            when discount_type = 'percent'
                then round(list_amount * greatest(0, least(discount_value, 100)) / 100, 2)
            else round(discount_value, 2)
        end as numeric(18, 2)) as discount_of_plan
    from priced
),

discounted as (
    select
        *,
        cast(
            case when exception_reason is null then list_amount end as numeric(18, 2)
        ) as booked_list_amount,
        case
            when exception_reason is null then greatest(0, least(discount_of_plan, list_amount))
        end as discount_amount
    from judged
),

parts as (
    select
        cast('mortgage:' || lead_type || ':' || source_key as varchar(200)) as entry_key,
        cast('mortgage_lead' as varchar(50)) as deal_type,
        cast('leads' as varchar(20)) as business_unit,
        cast('sale' as varchar(20)) as component,
        cast('broker:' || cast(mortgage_broker_id as varchar(20)) as varchar(100)) as account_id,
        cast(lead_id as varchar(100)) as lead_id,
        cast(null as varchar(100)) as call_id,
        lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast('billing_db' as varchar(50)) as source,
        cast(source_table || ':' || source_key as varchar(200)) as source_key,
        cast(null as varchar(200)) as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        booked_list_amount as list_amount,
        cast(discount_amount as numeric(18, 2)) as discount_amount,
        cast(booked_list_amount - discount_amount as numeric(18, 2)) as amount,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        price_version_id,
        terms_version_id,
        exception_reason,
        cast(case
            when is_deleted_next then 'deleted' else 'out_of_scope'
        end as varchar(50)) as gap_reason,
        case when delivered_at < {{ open_end() }} then delivered_at end as occurred_at,
        known_from,
        known_to
    from discounted
),

{{ merged_states('parts') }}

select
    {{ deal_columns() }}
from states
