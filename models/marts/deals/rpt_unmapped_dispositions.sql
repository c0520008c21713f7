with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where known_to = {{ open_end() }}
),

unmapped as (
    select
        partner_id,
        raw_status,
        cast(count(*) as bigint) as events,
        min(first_loaded_at) as first_loaded_at,
        max(first_loaded_at) as last_loaded_at
    from dispositions
    where status is null and raw_status is not null
    group by partner_id, raw_status
)

select * from unmapped
