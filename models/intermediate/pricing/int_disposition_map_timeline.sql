with

snap_seeds__disposition_map as (
    select * from {{ ref('snap_seeds__disposition_map') }}
),

versions as (
    select
        *,
        {{ version_id('disposition_map', 'source_key', 'known_from') }} as version_id,
        coalesce(effective_from, {{ beginning() }}) as effective_from_or_ever
    from snap_seeds__disposition_map
    where
        not is_deleted
        and partner_id is not null
        and raw_status is not null
        and status is not null
),

words as (
    select distinct
        partner_id,
        raw_status
    from versions
),

-- A partner's own row beats `*` (SPEC D7).
meanings as (
    select
        words.partner_id || '|' || words.raw_status as timeline_key,
        versions.version_id,
        versions.source_key as tie_breaker,
        case when versions.partner_id = '*' then 0 else 1 end as is_its_own,
        versions.effective_from_or_ever as effective_from,
        {{ open_end() }} as effective_to,
        versions.known_from,
        versions.known_to
    from words
    inner join versions
        on
            words.raw_status = versions.raw_status
            and versions.partner_id in ('*', words.partner_id)
),

{{ bitemporal_timeline('meanings', first='is_its_own') }},

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
