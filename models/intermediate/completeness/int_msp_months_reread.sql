{{ config(meta={'changes_of': 'int_msp_things_read'}) }}
{%- set first_day = "cast('" ~ var('msp_first_month') ~ "-01' as date)" %}
with

landings as (
    select {{ known_now() }} as now_at
),

beginnings as (
    select min(loaded_at) as first_loaded_at from {{ ref('stg_codex__companies') }}
),

month_ends as (
    select
        cast({{ dbt.dateadd('month', 'number - 1', first_day) }} as date) as bill_month,
        cast({{ dbt.dateadd('month', 'number', first_day) }} as timestamp) as next_month_at
    from {{ numbers(240) }} as numbers
),

closed_months as (
    select
        cast('bill' as varchar(10)) as basis,
        month_ends.bill_month,
        cast({{ dbt.dateadd('day', -1, 'month_ends.next_month_at') }} as date) as last_day,
        greatest(
            {{ dbt.dateadd('second', -1, 'month_ends.next_month_at') }}, beginnings.first_loaded_at
        ) as as_of_at,
        greatest(
            {{ dbt.dateadd('day', var('msp_close_days'), 'month_ends.next_month_at') }},
            beginnings.first_loaded_at
        ) as known_at
    from month_ends
    cross join landings
    cross join beginnings
    where
        landings.now_at
        >= {{ dbt.dateadd('day', var('msp_close_days'), 'month_ends.next_month_at') }}
)

select * from closed_months
where known_at > {{ judged_through('int_msp_things_read') }}
