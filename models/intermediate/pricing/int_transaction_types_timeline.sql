with

stg_seeds__transaction_types as (
    select * from {{ ref('stg_seeds__transaction_types') }}
),

landed as (
    {{ version_intervals('stg_seeds__transaction_types') | indent(4) }}
),

versions as (
    select
        transaction_type as timeline_key,
        {{ version_id('transaction_types', 'source_key', 'known_from') }} as version_id,
        counts_as,
        source_key as tie_breaker,
        {{ beginning() }} as effective_from,
        {{ open_end() }} as effective_to,
        known_from,
        known_to
    from landed
    where not is_deleted and transaction_type is not null
),

{{ bitemporal_timeline('versions') }},

timeline_with_meanings as (
    select
        timeline.timeline_key as transaction_type,
        versions.counts_as,
        timeline.known_from,
        timeline.known_to
    from timeline
    left join versions on timeline.version_id = versions.version_id
)

select * from timeline_with_meanings
