with

users as (
    select
        *,
        lower(billing_type) as billed_as
    from {{ ref('int_msp_users_typed') }}
    where {{ is_month_due() }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

rated_users as (
    select
        users.*,
        cast(
            case when users.source = 'users' then 'user:' else 'manual_user:' end
            || users.source_id as varchar(200)
        ) as line_key,
        case
            when not client_months.has_plan or users.billed_as = 'free' then 0
            when users.billed_as = 'custom' then coalesce(users.custom_cost, 0)
            when users.billed_as = 'paid' then client_months.rate_per_user_cost
            else 0
        end as rate,
        users.billed_as not in ('paid', 'custom', 'free') as is_unknown
    from users
    inner join client_months
        on
            users.basis = client_months.basis
            and users.bill_month = client_months.bill_month
            and users.account_number = client_months.account_number
),

user_charges as (
    select
        basis,
        bill_month,
        account_number,
        line_key,
        source,
        source_id,
        name,
        billing_type,
        billed_as,
        type_from,
        cast(rate as numeric(18, 6)) as rate,
        cast(round(rate, 2) as numeric(18, 2)) as amount,
        is_unknown,
        is_final
    from rated_users
)

select * from user_charges
