with

changed as (
    select * from {{ ref('int_mortgage_leads_changed') }}
),

prices as (
    select * from {{ ref('int_product_prices_timeline') }}
),

plans as (
    select * from {{ ref('int_subscription_plans_timeline') }}
),

versions as (
    select
        deliveries.*,
        deliveries.loaded_at as known_from,
        coalesce(lead(deliveries.loaded_at) over (
            partition by deliveries.lead_type, deliveries.source_key order by deliveries.loaded_at
        ), {{ open_end() }}) as known_to,
        min(deliveries.loaded_at) over (
            partition by deliveries.lead_type, deliveries.source_key
        ) as first_loaded_at,
        lead(deliveries.is_deleted) over (
            partition by deliveries.lead_type, deliveries.source_key order by deliveries.loaded_at
        ) as is_deleted_next
    from {{ ref('stg_billing_db__deliveries') }} as deliveries
    inner join changed
        on
            deliveries.lead_type = changed.lead_type
            and deliveries.source_key = changed.source_key
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

with_prices as (
    select
        versions.*,
        prices.price_version_id,
        prices.price,
        greatest(versions.known_from, prices.known_from) as price_known_from,
        least(versions.known_to, prices.known_to) as price_known_to
    from versions_in_scope as versions
    left join prices
        on
            versions.lead_type = prices.product
            and versions.delivered_at >= prices.effective_from
            and versions.delivered_at < prices.effective_to
            and {{ overlapping('versions', 'prices') }}
),

with_plans as (
    select
        {%- for column in [
            'source_key', 'load_id', 'source_table', 'lead_type', 'lead_id', 'mortgage_broker_id',
            'price_version_id', 'price', 'is_deleted_next', 'delivered_at',
        ] %}
            with_prices.{{ column }},
        {%- endfor %}
        plans.terms_version_id,
        plans.discount_type,
        plans.discount_value,
        greatest(with_prices.price_known_from, plans.known_from) as known_from,
        least(with_prices.price_known_to, plans.known_to) as known_to
    from with_prices
    left join plans
        on
            with_prices.mortgage_broker_id = plans.mortgage_broker_id
            and with_prices.delivered_at >= plans.effective_from
            and with_prices.delivered_at < plans.effective_to
            and with_prices.price_known_from < plans.known_to
            and with_prices.price_known_to > plans.known_from
)

select * from with_plans
