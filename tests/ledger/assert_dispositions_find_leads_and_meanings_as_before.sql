{{ config(severity='warn') }}
-- No partner's share of dispositions without a lead or a meaning jumps: where references, phones or
-- statuses are no longer read, nobody else says that conversions are missing (SPEC D7). What is
-- not published yet beside the thirty days before it.
with

latest as (
    select {{ dbt.dateadd('day', -30, 'max(first_loaded_at)') }} as begins_at
    from {{ ref('int_dispositions_read') }}
),

dispositions as (
    select
        dispositions.partner_id,
        case when {{ unpublished('dispositions.first_loaded_at') }} then 1 else 0 end as is_new,
        case
            when parked.event_id is not null then 1
            when dispositions.status is null and dispositions.raw_status is not null then 1
            else 0
        end as is_lost
    from {{ ref('int_dispositions_read') }} as dispositions
    inner join latest on dispositions.first_loaded_at >= latest.begins_at
    left join {{ ref('rpt_parked_dispositions') }} as parked
        on dispositions.event_id = parked.event_id
    where dispositions.is_live
),

shares as (
    select
        partner_id,
        sum(is_new) as new_events,
        sum(is_new * is_lost) as new_lost,
        sum(1 - is_new) as old_events,
        sum((1 - is_new) * is_lost) as old_lost
    from dispositions
    group by partner_id
)

select * from shares
where
    new_lost >= 5
    and old_events >= 20
    and cast(new_lost as numeric(18, 6)) / new_events
    > 0.1 + cast(old_lost as numeric(18, 6)) / old_events
