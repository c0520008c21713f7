with

snap_seeds__disposition_statuses as (
    select * from {{ ref('snap_seeds__disposition_statuses') }}
),

versions as (
    select
        status as timeline_key,
        {{ version_id('disposition_statuses', 'source_key', 'known_from') }} as version_id,
        is_contacted,
        is_converted,
        is_final,
        source_key as tie_breaker,
        {{ beginning() }} as effective_from,
        {{ open_end() }} as effective_to,
        known_from,
        known_to
    from snap_seeds__disposition_statuses
    where not is_deleted and status is not null
),

{{ bitemporal_timeline('versions') }},

timeline_with_flags as (
    select
        timeline.timeline_key as status,
        versions.is_contacted,
        versions.is_converted,
        versions.is_final,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_flags
