with

snap_seeds__disposition_map as (
    select * from {{ ref('snap_seeds__disposition_map') }}
),

versions as (
    select
        partner_id || '|' || raw_status as timeline_key,
        {{ version_id('disposition_map', 'source_key', 'valid_from') }} as version_id,
        status,
        source_key as tie_breaker,
        coalesce(effective_from, {{ beginning() }}) as effective_from,
        {{ open_end() }} as effective_to,
        valid_from as known_from,
        valid_to as known_to
    from snap_seeds__disposition_map
    where not is_deleted and partner_id is not null and raw_status is not null
),

{{ bitemporal_timeline('versions') }},

timeline_with_statuses as (
    select
        timeline.timeline_key as map_key,
        versions.status,
        timeline.effective_from,
        timeline.effective_to,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_statuses
