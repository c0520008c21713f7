with

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where source in ('boberdoo', 'invoca', 'dispositions') and lead_id is not null
),

leads as (
    select * from {{ ref('int_leads_known') }}
    where known_to = {{ open_end() }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where known_to = {{ open_end() }} and is_sold
),

dispositions as (
    select * from {{ ref('int_dispositions_latest') }}
),

revenue as (
    select
        lead_id,
        account_id,
        currency,
        sum(
            case when component = 'sale' and business_unit != 'calls' then amount else 0 end
        ) as sale,
        sum(case when component = 'refund' then amount else 0 end) as refunds,
        sum(case when component = 'conversion' then amount else 0 end) as conversions,
        sum(case
            when component = 'call' then amount
            when component = 'sale' and business_unit = 'calls' then amount
            else 0
        end) as calls,
        sum(amount) as net_revenue
    from entries
    group by lead_id, account_id, currency
),

sold as (
    select
        lead_id,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        max(deal_type) as deal_type,
        max(filter_set_id) as filter_set_id,
        min(case when deal_type = 'drip' then occurred_at end) as first_drip_at,
        min(occurred_at) as first_sold_at
    from sales
    group by lead_id, partner_id
),

lead_partners as (
    select
        revenue.lead_id,
        revenue.account_id,
        sold.deal_type,
        sold.filter_set_id,
        leads.lead_type,
        leads.lead_source,
        leads.lead_campaign,
        dispositions.status as disposition,
        revenue.currency,
        cast(revenue.sale as numeric(18, 2)) as sale,
        cast(revenue.refunds as numeric(18, 2)) as refunds,
        cast(revenue.conversions as numeric(18, 2)) as conversions,
        cast(revenue.calls as numeric(18, 2)) as calls,
        cast(revenue.net_revenue as numeric(18, 2)) as net_revenue,
        cast(floor(
            {{ dbt.datediff('leads.created_at', 'sold.first_drip_at', 'second') }} / 86400
        ) as bigint) as lead_age_days,
        leads.created_at as lead_created_at,
        sold.first_sold_at,
        dispositions.status_at as disposition_at
    from revenue
    left join leads on revenue.lead_id = leads.lead_id
    left join sold
        on revenue.lead_id = sold.lead_id and revenue.account_id = sold.account_id
    left join dispositions
        on
            revenue.lead_id = dispositions.lead_id
            and revenue.account_id = dispositions.account_id
)

select * from lead_partners
