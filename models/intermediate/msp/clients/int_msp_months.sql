{{ config(indexes=[{'columns': ['bill_month']}], dist='all') }}
-- What is billed is read from snapshots, and no month closes before they know all that it rests on.
-- depends_on: {{ ref('snap_codex__assets') }}, {{ ref('snap_codex__companies') }}
-- depends_on: {{ ref('snap_codex__contacts') }}, {{ ref('snap_codex__plans') }}
{%- set first_day = "cast('" ~ var('msp_first_month') ~ "-01' as date)" %}
with recursive

landings as (
    select {{ known_upstream() }} as now_at
),

companies as (
    select min(loaded_at) as first_loaded_at from {{ ref('stg_codex__companies') }}
),

devices as (
    select min(loaded_at) as devices_first_loaded_at from {{ ref('stg_datto__devices') }}
),

calendar (bill_month, next_month_at) as (
    select
        {{ first_day }} as bill_month,
        cast({{ dbt.dateadd('month', 1, first_day) }} as timestamp) as next_month_at
    union all
    select
        cast(calendar.next_month_at as date) as bill_month,
        cast({{ dbt.dateadd('month', 1, 'calendar.next_month_at') }} as timestamp) as next_month_at
    from calendar
    inner join landings on calendar.next_month_at <= landings.now_at
),

months as (
    select
        calendar.bill_month,
        calendar.next_month_at,
        cast({{ dbt.dateadd('day', -1, 'calendar.next_month_at') }} as date) as last_day,
        {{ dbt.dateadd('day', var('msp_close_days'), 'calendar.next_month_at') }} as closes_at,
        -- What was in force at the month's last instant; where history begins later, its first.
        greatest(
            {{ dbt.dateadd('second', -1, 'calendar.next_month_at') }}, companies.first_loaded_at
        ) as as_of_at,
        landings.now_at,
        companies.first_loaded_at,
        devices.devices_first_loaded_at
    from calendar
    cross join landings
    cross join devices
    inner join companies on landings.now_at >= companies.first_loaded_at
),

-- A closed month is looked at twice: as it was billed, and with what is known now.
bases as (
    select
        *,
        cast('bill' as varchar(10)) as basis,
        now_at >= closes_at as is_final,
        case
            when now_at >= closes_at then greatest(closes_at, first_loaded_at) else now_at
        end as known_at
    from months
    union all
    select
        *,
        cast('now' as varchar(10)) as basis,
        false as is_final,
        now_at as known_at
    from months
    where now_at >= closes_at
),

months_to_bill as (
    select
        basis,
        bill_month,
        last_day,
        now_at >= closes_at as is_closed,
        is_final,
        first_loaded_at >= next_month_at as is_backfilled,
        next_month_at,
        as_of_at,
        -- Devices may have been connected later than companies, but count only if known then.
        greatest(
            as_of_at, case when devices_first_loaded_at <= known_at then devices_first_loaded_at end
        ) as devices_as_of_at,
        known_at
    from bases
)

select * from months_to_bill
where {{ is_month_due() }}
