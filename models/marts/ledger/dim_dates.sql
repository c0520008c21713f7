{% set digits = numbers(10) %}

with

days as (
    select
        (ones.number - 1) + 10 * (tens.number - 1) + 100 * (hundreds.number - 1)
        + 1000 * (thousands.number - 1) as day_number
    from {{ digits }} as ones
    cross join {{ digits }} as tens
    cross join {{ digits }} as hundreds
    cross join {{ digits }} as thousands
),

dates as (
    select
        cast({{ dbt.dateadd('day', 'day_number', "cast('2024-01-01' as date)") }} as date)
            as date_day
    from days
)

select
    date_day,
    cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_start,
    cast({{ dbt.date_trunc('quarter', 'date_day') }} as date) as quarter_start,
    cast({{ dbt.date_trunc('year', 'date_day') }} as date) as year_start
from dates
