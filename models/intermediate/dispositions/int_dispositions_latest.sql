with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where known_to = {{ open_end() }} and status is not null
),

in_order as (
    select
        *,
        row_number() over (
            partition by lead_id, partner_id
            order by
                status_at desc, first_loaded_at desc, file_name desc, row_number desc, event_id desc
        ) as recency
    from dispositions
    where lead_id is not null
),

latest as (
    select
        lead_id,
        partner_id,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        status,
        raw_status,
        status_at
    from in_order
    where recency = 1
)

select * from latest
