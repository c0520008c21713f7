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

sales_expected as (
    select
        with_conversions.entry_key,
        with_conversions.account_id,
        with_conversions.deal_type,
        with_conversions.expected_conversion_rate,
        with_conversions.conversions,
        with_conversions.revenue,
        coalesce(with_conversions.expected_conversion_rate, 0)
        * case
            when with_conversions.rate_basis = 'percent_of_value'
                then coalesce(average_conversions.average_revenue, 0)
            else coalesce(with_conversions.rate, 0)
        end as expected_revenue,
        with_conversions.occurred_at
    from with_conversions
    left join average_conversions
        on with_conversions.terms_version_id = average_conversions.terms_version_id
)

select * from sales_expected
