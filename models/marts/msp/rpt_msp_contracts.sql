-- As of the last day of the latest month there is a bill for.
with

bills as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

landings as (
    select cast(max(known_at) as date) as as_of_date from bills
),

latest_bills as (
    select
        bills.*,
        landings.as_of_date,
        {{ dbt.datediff('landings.as_of_date', 'bills.contract_ends_on', 'day') }} as days_left,
        row_number() over (
            partition by bills.account_number order by bills.bill_month desc
        ) as recency
    from bills
    cross join landings
),

contracts as (
    select
        account_number,
        client_name,
        plan_name,
        term,
        cast(case
            when contract_ends_on is null then 'no_end'
            when days_left < 0 then 'expired'
            when days_left <= 30 then 'within_30_days'
            when days_left <= 60 then 'within_60_days'
            when days_left <= 90 then 'within_90_days'
            else 'later'
        end as varchar(20)) as expiry,
        cast(days_left as bigint) as days_left,
        contract_ends_on,
        as_of_date
    from latest_bills
    where recency = 1
)

select * from contracts
