with

sales as (
    select * from {{ ref('int_conversions_expected') }}
),

cohorts as (
    select
        cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as cohort_month,
        account_id,
        deal_type,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        count(*) as deliveries,
        cast(sum(coalesce(expected_conversion_rate, 0)) as numeric(18, 2)) as expected_conversions,
        cast(sum(conversions) as bigint) as booked_conversions,
        cast(sum(expected_revenue) as numeric(18, 2)) as expected_revenue,
        cast(sum(revenue) as numeric(18, 2)) as booked_revenue
    from sales
    group by cast({{ dbt.date_trunc('month', 'occurred_at') }} as date), account_id, deal_type
),

with_past as (
    select
        *,
        {% for amount in ['expected_revenue', 'booked_revenue'] %}
            sum({{ amount }}) over (
                partition by account_id, deal_type order by cohort_month
                rows between unbounded preceding and 1 preceding
            ) as past_{{ amount }},
        {% endfor %}
        booked_revenue < expected_revenue as is_behind
    from cohorts
),

accrual as (
    select
        cohort_month,
        account_id,
        deal_type,
        currency,
        deliveries,
        expected_conversions,
        booked_conversions,
        expected_revenue,
        booked_revenue,
        cast(booked_revenue - expected_revenue as numeric(18, 2)) as difference,
        cast(
            (past_booked_revenue - past_expected_revenue) / nullif(past_expected_revenue, 0)
            as numeric(18, 4)
        ) as past_expectation_error,
        is_behind
    from with_past
)

select * from accrual
