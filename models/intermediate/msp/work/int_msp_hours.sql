-- A year's pool is drawn month by month, so the whole year of an open month is looked at.
with recursive

hours_demanded as (
    select * from {{ ref('int_msp_hours_demanded') }}
),

years_due as (
    select distinct
        basis,
        account_number,
        bill_year
    from hours_demanded
    where {{ is_month_due() }}
),

demands as (
    select hours_demanded.*
    from hours_demanded
    inner join years_due
        on
            hours_demanded.basis = years_due.basis
            and hours_demanded.account_number = years_due.account_number
            and hours_demanded.bill_year = years_due.bill_year
),

draws (basis, account_number, bill_year, month_number, drawn_seconds, drawn_total) as (
    select
        basis,
        account_number,
        bill_year,
        cast(0 as bigint) as month_number,
        cast(0 as numeric(38, 6)) as drawn_seconds,
        cast(0 as numeric(38, 6)) as drawn_total
    from years_due
    union all
    select
        demands.basis,
        demands.account_number,
        demands.bill_year,
        demands.month_number,
        cast(least(
            demands.excess_seconds, greatest(0, demands.yearly_seconds - draws.drawn_total)
        ) as numeric(38, 6)) as drawn_seconds,
        cast(draws.drawn_total + least(
            demands.excess_seconds, greatest(0, demands.yearly_seconds - draws.drawn_total)
        ) as numeric(38, 6)) as drawn_total
    from draws
    inner join demands
        on
            draws.basis = demands.basis
            and draws.account_number = demands.account_number
            and draws.bill_year = demands.bill_year
            and draws.month_number + 1 = demands.month_number
),

hours as (
    select
        demands.basis,
        demands.bill_month,
        demands.account_number,
        cast(demands.seconds / 3600 as numeric(18, 6)) as hours,
        cast(demands.monthly_seconds / 3600 as numeric(18, 6)) as prepaid_hours_monthly,
        cast(demands.yearly_seconds / 3600 as numeric(18, 6)) as prepaid_hours_yearly,
        cast(demands.monthly_used_seconds / 3600 as numeric(18, 6)) as prepaid_monthly_used,
        cast(draws.drawn_seconds / 3600 as numeric(18, 6)) as prepaid_yearly_used,
        cast(greatest(0, demands.yearly_seconds - draws.drawn_total) / 3600 as numeric(18, 6))
            as prepaid_yearly_left,
        cast((demands.excess_seconds - draws.drawn_seconds) / 3600 as numeric(18, 6))
            as billable_hours,
        cast(coalesce(demands.rate, 0) as numeric(18, 6)) as rate,
        -- From seconds, so that a third of an hour is not rounded before it is priced.
        cast(round(
            (demands.excess_seconds - draws.drawn_seconds) * coalesce(demands.rate, 0) / 3600, 2
        ) as numeric(18, 2)) as amount,
        demands.is_final
    from demands
    inner join draws
        on
            demands.basis = draws.basis
            and demands.account_number = draws.account_number
            and demands.bill_year = draws.bill_year
            and demands.month_number = draws.month_number
)

select * from hours
where {{ is_month_due() }}
