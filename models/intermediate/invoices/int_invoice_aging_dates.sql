with

invoices as (
    select * from {{ ref('int_invoices') }}
),

landed as (
    select * from {{ ref('int_invoices_landed') }}
),

month_ends as (
    select distinct cast({{ dbt.last_day('invoice_date', 'month') }} as date) as as_of_date
    from invoices
),

aging_dates as (
    select month_ends.as_of_date
    from month_ends
    inner join landed on month_ends.as_of_date < landed.landed_date
    union all
    select landed_date as as_of_date from landed
)

select * from aging_dates
