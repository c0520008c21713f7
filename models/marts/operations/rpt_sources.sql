with

load_runs as (
    select
        *,
        row_number() over (
            partition by source, stream, tenant order by load_id desc
        ) as recency
    from {{ source('books', 'load_runs') }}
),

streams as (
    select
        source,
        stream,
        tenant,
        cast(max(case when recency = 1 then status end) as varchar(20)) as last_status,
        cast(max(case when recency = 1 then error end) as varchar(65535)) as last_error,
        cast(sum(quarantined) as bigint) as quarantined,
        max(case when status in ('completed', 'partial') then loaded_at end) as last_landed_at
    from load_runs
    group by source, stream, tenant
)

select * from streams
