with

snap_seeds__deal_terms as (
    select * from {{ ref('snap_seeds__deal_terms') }}
),

versions as (
    select
        *,
        partner_id || '|' || coalesce(filter_set_id, '') as timeline_key,
        {{ version_id('deal_terms', 'source_key', 'valid_from') }} as version_id,
        source_key as tie_breaker,
        coalesce(effective_from, {{ beginning() }}) as effective_from_or_ever,
        valid_from as known_from,
        valid_to as known_to
    from snap_seeds__deal_terms
    where not is_deleted and partner_id is not null
),

bounds as (
    select
        timeline_key,
        version_id,
        tie_breaker,
        effective_from_or_ever as effective_from,
        coalesce(effective_to, {{ open_end() }}) as effective_to,
        known_from,
        known_to
    from versions
),

{{ bitemporal_timeline('bounds') }},

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
