with

snap_seeds__deal_terms as (
    select * from {{ ref('snap_seeds__deal_terms') }}
),

versions as (
    select
        *,
        {{ version_id('deal_terms', 'source_key', 'known_from') }} as version_id,
        coalesce(effective_from, {{ beginning() }}) as effective_from_or_ever,
        coalesce(effective_to, {{ open_end() }}) as effective_to_or_never
    from snap_seeds__deal_terms
    where not is_deleted and partner_id is not null
),

filter_sets as (
    select distinct
        partner_id,
        coalesce(filter_set_id, '') as filter_set_id
    from versions
),

-- A filter set's own terms win over those of all of the partner's (SPEC D5).
terms_of_filter_sets as (
    select
        filter_sets.partner_id || '|' || filter_sets.filter_set_id as timeline_key,
        versions.version_id,
        versions.source_key as tie_breaker,
        case when versions.filter_set_id is null then 0 else 1 end as is_its_own,
        versions.effective_from_or_ever as effective_from,
        versions.effective_to_or_never as effective_to,
        versions.known_from,
        versions.known_to
    from filter_sets
    inner join versions
        on
            filter_sets.partner_id = versions.partner_id
            and coalesce(versions.filter_set_id, '') in ('', filter_sets.filter_set_id)
),

{{ bitemporal_timeline('terms_of_filter_sets', first='is_its_own') }},

timeline_with_terms as (
    select
        timeline.timeline_key as terms_key,
        timeline.version_id as terms_version_id,
        versions.deal_type,
        versions.rate_basis,
        versions.rate,
        versions.min_seconds,
        versions.expected_conversion_rate,
        timeline.effective_from,
        timeline.effective_to,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_terms
