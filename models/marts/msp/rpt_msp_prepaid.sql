with

hours as (
    select * from {{ ref('int_msp_hours') }}
    where basis = 'bill' and (prepaid_hours_monthly > 0 or prepaid_hours_yearly > 0)
),

prepaid as (
    select
        account_number,
        hours,
        prepaid_hours_monthly,
        prepaid_monthly_used,
        cast(prepaid_hours_monthly - prepaid_monthly_used as numeric(18, 6))
            as prepaid_monthly_left,
        prepaid_hours_yearly,
        prepaid_yearly_used,
        prepaid_yearly_left,
        billable_hours,
        bill_month
    from hours
)

select * from prepaid
