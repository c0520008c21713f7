with

snap_seeds__deal_types as (
    select * from {{ ref('snap_seeds__deal_types') }}
),

versions as (
    select
        deal_type as timeline_key,
        {{ version_id('deal_types', 'source_key', 'known_from') }} as version_id,
        business_unit,
        paid_on,
        source_key as tie_breaker,
        {{ beginning() }} as effective_from,
        {{ open_end() }} as effective_to,
        known_from,
        known_to
    from snap_seeds__deal_types
    where not is_deleted and deal_type is not null
),

{{ bitemporal_timeline('versions') }},

timeline_with_units as (
    select
        timeline.timeline_key as deal_type,
        versions.business_unit,
        -- Blank: these three on conversion, all others on sale (SPEC D4a). Another word is none.
        cast(case
            when versions.version_id is null then null
            when versions.paid_on in ('sale', 'conversion') then versions.paid_on
            when versions.paid_on is not null then null
            when timeline.timeline_key in ('cpa', 'cpt', 'warm_transfer') then 'conversion'
            else 'sale'
        end as varchar(20)) as paid_on,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_units
