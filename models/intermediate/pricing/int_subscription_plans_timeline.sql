with

snap_billing_db__subscription_plans as (
    select * from {{ ref('snap_billing_db__subscription_plans') }}
),

versions as (
    select
        mortgage_broker_id as timeline_key,
        {{ version_id('mortgage_broker_subscription_plan', 'source_key', 'known_from') }}
            as version_id,
        discount_type,
        discount_value,
        plan_id as tie_breaker,
        started_at as effective_from,
        least(ended_at, {{ open_end() }}) as effective_to,
        known_from,
        known_to
    from snap_billing_db__subscription_plans
    where
        not is_deleted
        and mortgage_broker_id is not null
        and started_at < {{ open_end() }}
),

{{ bitemporal_timeline('versions') }},

timeline_with_discounts as (
    select
        timeline.timeline_key as mortgage_broker_id,
        timeline.version_id as terms_version_id,
        versions.discount_type,
        versions.discount_value,
        timeline.effective_from,
        timeline.effective_to,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_discounts
