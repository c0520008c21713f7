-- A price once landed can always be found again: the snapshots hold exactly the intervals that raw
-- implies (SPEC L12). If not: `ledgerhouse replay-snapshots`.
with

landed as (
    select
        'product_prices' as stream_name,
        source_key,
        loaded_at as valid_from,
        coalesce(
            lead(loaded_at) over (partition by source_key order by loaded_at), {{ open_end() }}
        ) as valid_to
    from {{ ref('stg_billing_db__product_prices') }}
    union all
    select
        'subscription_plans' as stream_name,
        source_key,
        loaded_at as valid_from,
        coalesce(
            lead(loaded_at) over (partition by source_key order by loaded_at), {{ open_end() }}
        ) as valid_to
    from {{ ref('stg_billing_db__subscription_plans') }}
),

kept as (
    select
        'product_prices' as stream_name,
        source_key,
        valid_from,
        valid_to
    from {{ ref('snap_billing_db__product_prices') }}
    union all
    select
        'subscription_plans' as stream_name,
        source_key,
        valid_from,
        valid_to
    from {{ ref('snap_billing_db__subscription_plans') }}
)

select
    coalesce(landed.stream_name, kept.stream_name) as stream_name,
    coalesce(landed.source_key, kept.source_key) as source_key,
    landed.valid_to as landed_until,
    kept.valid_to as kept_until
from landed
full outer join kept
    on
        landed.stream_name = kept.stream_name
        and landed.source_key = kept.source_key
        and landed.valid_from = kept.valid_from
where landed.valid_to is null or kept.valid_to is null or landed.valid_to != kept.valid_to
