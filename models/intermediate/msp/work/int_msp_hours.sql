{%- set inclusive_levels = text_list(var("msp_inclusive_support_levels")) | lower -%}
with recursive

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

ticket_hours as (
    select * from {{ ref('int_msp_ticket_hours') }}
),

-- A year's pool is drawn month by month, so the whole year of an open month is looked at.
years_due as (
    select distinct
        basis,
        account_number,
        extract(year from bill_month) as bill_year
    from client_months
    where {{ is_month_due() }}
),

client_seconds as (
    select
        basis,
        bill_month,
        account_number,
        sum(seconds) as seconds
    from ticket_hours
    group by basis, bill_month, account_number
),

used as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        years_due.bill_year,
        client_months.is_final,
        client_months.rate_per_hour_ticket_cost as rate,
        client_months.has_plan
        and coalesce(lower(client_months.support_level), '') not in ({{ inclusive_levels }})
            as is_billable,
        coalesce(client_seconds.seconds, 0) as seconds,
        greatest(0, client_months.given_hours_monthly) * 3600 as monthly_seconds,
        cast(greatest(0, client_months.given_hours_yearly) * 3600 as numeric(38, 6))
            as yearly_seconds,
        row_number() over (
            partition by
                client_months.basis, client_months.account_number, years_due.bill_year
            order by client_months.bill_month
        ) as month_number
    from client_months
    inner join years_due
        on
            client_months.basis = years_due.basis
            and client_months.account_number = years_due.account_number
            and extract(year from client_months.bill_month) = years_due.bill_year
    left join client_seconds
        on
            client_months.basis = client_seconds.basis
            and client_months.bill_month = client_seconds.bill_month
            and client_months.account_number = client_seconds.account_number
),

demands as (
    select
        *,
        case when is_billable then least(seconds, monthly_seconds) else 0 end
            as monthly_used_seconds,
        cast(
            case when is_billable then greatest(0, seconds - monthly_seconds) else 0 end
            as numeric(38, 6)
        ) as excess_seconds
    from used
),

draws (basis, account_number, bill_year, month_number, drawn_seconds, drawn_total) as (
    select
        basis,
        account_number,
        bill_year,
        month_number,
        cast(least(excess_seconds, yearly_seconds) as numeric(38, 6)) as drawn_seconds,
        cast(least(excess_seconds, yearly_seconds) as numeric(38, 6)) as drawn_total
    from demands
    where month_number = 1
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
