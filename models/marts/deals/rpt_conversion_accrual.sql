with

sales as (
    select * from {{ ref('int_sales_typed') }}
    where known_to = {{ open_end() }} and is_sold and is_paid_on_conversion
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where component = 'conversion'
),

conversions as (
    select
        linked_entry_key,
        sum(quantity) as conversions,
        sum(amount) as revenue
    from entries
    group by linked_entry_key
),

with_conversions as (
    select
        sales.*,
        cast('partner:' || sales.partner_id as varchar(100)) as account_id,
        coalesce(conversions.conversions, 0) as conversions,
        coalesce(conversions.revenue, 0) as revenue
    from sales
    left join conversions on sales.entry_key = conversions.linked_entry_key
),

-- A share of the broker's own sale has no price of its own: what such conversions brought counts.
average_conversions as (
    select
        terms_version_id,
        cast(sum(revenue) / nullif(sum(conversions), 0) as numeric(18, 2)) as average_revenue
    from with_conversions
    where rate_basis = 'percent_of_value'
    group by terms_version_id
),

expected as (
    select
        with_conversions.*,
        coalesce(with_conversions.expected_conversion_rate, 0)
        * case
            when with_conversions.rate_basis = 'percent_of_value'
                then coalesce(average_conversions.average_revenue, 0)
            else coalesce(with_conversions.rate, 0)
        end as expected_revenue
    from with_conversions
    left join average_conversions
        on with_conversions.terms_version_id = average_conversions.terms_version_id
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
    from expected
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
