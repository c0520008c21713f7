with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where parked_because is not null
),

followed as (
    select
        *,
        case
            when
                lag(known_to) over (partition by event_id order by known_from) = known_from
                and lag(parked_because) over (partition by event_id order by known_from)
                = parked_because
                then 0
            else 1
        end as is_start
    from dispositions
),

runs as (
    select
        *,
        max(case when is_start = 1 then known_from end) over (
            partition by event_id order by known_from rows unbounded preceding
        ) as since
    from followed
),

parked as (
    select
        event_id,
        partner_id,
        cast(parked_because as varchar(50)) as reason,
        call_id,
        raw_status,
        status,
        load_id,
        status_at,
        since
    from runs
    where known_to = {{ open_end() }}
)

select * from parked
