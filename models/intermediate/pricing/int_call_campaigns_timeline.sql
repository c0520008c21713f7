with

snap_seeds__call_campaigns as (
    select * from {{ ref('snap_seeds__call_campaigns') }}
),

versions as (
    select
        campaign_id as timeline_key,
        {{ version_id('call_campaigns', 'source_key', 'known_from') }} as version_id,
        kind,
        policy,
        partner_id,
        source_key as tie_breaker,
        coalesce(effective_from, {{ beginning() }}) as effective_from,
        coalesce(effective_to, {{ open_end() }}) as effective_to,
        known_from,
        known_to
    from snap_seeds__call_campaigns
    where not is_deleted and campaign_id is not null
),

{{ bitemporal_timeline('versions') }},

timeline_with_rules as (
    select
        timeline.timeline_key as campaign_id,
        timeline.version_id as campaign_version_id,
        versions.kind,
        versions.policy,
        versions.partner_id,
        timeline.effective_from,
        timeline.effective_to,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_rules
