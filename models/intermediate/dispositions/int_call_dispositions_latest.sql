with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where
        known_to = {{ open_end() }}
        and bad_status_date is null
        and status is not null
        and call_id is not null
),

in_order as (
    select
        *,
        row_number() over (
            partition by call_id
            order by
                status_at desc, first_loaded_at desc, file_name desc, row_number desc, event_id desc
        ) as recency
    from dispositions
),

latest as (
    select
        call_id,
        status
    from in_order
    where recency = 1
)

select * from latest
