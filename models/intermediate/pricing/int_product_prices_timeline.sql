with

snap_billing_db__product_prices as (
    select * from {{ ref('snap_billing_db__product_prices') }}
),

versions as (
    select
        product as timeline_key,
        {{ version_id('product_price', 'source_key', 'known_from') }} as version_id,
        price,
        price_id as tie_breaker,
        effective_at as effective_from,
        {{ open_end() }} as effective_to,
        known_from,
        known_to
    from snap_billing_db__product_prices
    where not is_deleted and product is not null and effective_at < {{ open_end() }}
),

{{ bitemporal_timeline('versions') }},

timeline_with_prices as (
    select
        timeline.timeline_key as product,
        timeline.version_id as price_version_id,
        versions.price,
        timeline.effective_from,
        timeline.effective_to,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_prices
