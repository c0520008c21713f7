{%- set inclusive_levels = text_list(var("msp_inclusive_support_levels")) | lower -%}
with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

ticket_hours as (
    select * from {{ ref('int_msp_ticket_hours') }}
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

client_hours as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        client_months.rate_per_hour_ticket_cost as rate,
        client_months.has_plan
        and coalesce(lower(client_months.support_level), '') not in ({{ inclusive_levels }})
            as is_billable,
        coalesce(client_seconds.seconds, 0) as seconds,
        greatest(0, client_months.given_hours_monthly) * 3600 as monthly_seconds,
        cast(greatest(0, client_months.given_hours_yearly) * 3600 as numeric(38, 6))
            as yearly_seconds
    from client_months
    left join client_seconds
        on
            client_months.basis = client_seconds.basis
            and client_months.bill_month = client_seconds.bill_month
            and client_months.account_number = client_seconds.account_number
),

hours_demanded as (
    select
        *,
        extract(year from bill_month) as bill_year,
        row_number() over (
            partition by basis, account_number, extract(year from bill_month)
            order by bill_month
        ) as month_number,
        case when is_billable then least(seconds, monthly_seconds) else 0 end
            as monthly_used_seconds,
        cast(
            case when is_billable then greatest(0, seconds - monthly_seconds) else 0 end
            as numeric(38, 6)
        ) as excess_seconds
    from client_hours
)

select * from hours_demanded
