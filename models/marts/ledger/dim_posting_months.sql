with

closes as (
    select * from {{ ref('rpt_period_closes') }}
),

moments as (
    select
        business_unit,
        closed_at as moment
    from closes
    union
    select
        business_unit,
        reopened_at as moment
    from closes
    where reopened_at is not null
),

stretches as (
    select
        business_unit,
        moment as posted_after,
        coalesce(
            lead(moment) over (partition by business_unit order by moment), {{ open_end() }}
        ) as posted_through
    from moments
),

-- Months that are closed at one time and follow each other have the same `run`.
closed_months as (
    select
        closes.close_id,
        stretches.business_unit,
        closes.period_month as closed_month,
        stretches.posted_after,
        stretches.posted_through,
        extract(year from closes.period_month) * 12 + extract(month from closes.period_month)
        - row_number() over (
            partition by stretches.business_unit, stretches.posted_after
            order by closes.period_month
        ) as run
    from stretches
    inner join closes
        on
            stretches.business_unit = closes.business_unit
            and stretches.posted_after >= closes.closed_at
            and stretches.posted_after < coalesce(closes.reopened_at, {{ open_end() }})
),

posting_months as (
    select
        close_id,
        business_unit,
        closed_month,
        posted_after,
        posted_through,
        cast({{ dbt.dateadd(
            'month', 1,
            'max(closed_month) over (partition by business_unit, posted_after, run)'
        ) }} as date) as posting_month
    from closed_months
)

select * from posting_months
