with

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where known_to = {{ open_end() }} and is_contacted
),

conversions as (
    select * from {{ ref('int_conversions_reported') }}
    where known_to = {{ open_end() }}
),

contacts_and_conversions as (
    select
        lead_id,
        partner_id,
        status_at as contacted_at,
        0 as conversions
    from dispositions
    union all
    select
        lead_id,
        partner_id,
        cast(null as timestamp) as contacted_at,
        1 as conversions
    from conversions
),

outcomes as (
    select
        lead_id,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        sum(conversions) > 0 as is_converted,
        min(contacted_at) as first_contacted_at
    from contacts_and_conversions
    where lead_id is not null
    group by lead_id, partner_id
)

select * from outcomes
