with

sold as (
    select * from {{ ref('boberdoo') }}
    where first_sold_at is not null
),

outcomes as (
    select * from {{ ref('int_lead_outcomes') }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where component = 'conversion'
),

-- A call that converts is in the ledger and never in a report.
booked as (
    select
        lead_id,
        account_id
    from entries
    group by lead_id, account_id
    having sum(quantity) > 0
),

leads as (
    select
        sold.*,
        outcomes.first_contacted_at is not null as is_contacted,
        coalesce(outcomes.is_converted, false) or booked.lead_id is not null as is_converted,
        sold.refunds < 0 as is_returned,
        case
            when outcomes.first_contacted_at >= sold.first_sold_at
                then {{ dbt.datediff(
                    'sold.first_sold_at', 'outcomes.first_contacted_at', 'second'
                ) }}
        end as contact_seconds
    from sold
    left join outcomes
        on sold.lead_id = outcomes.lead_id and sold.account_id = outcomes.account_id
    left join booked
        on sold.lead_id = booked.lead_id and sold.account_id = booked.account_id
),

counted as (
    select
        account_id,
        lead_source,
        lead_campaign,
        currency,
        count(*) as leads_sold,
        sum(case when is_contacted then 1 else 0 end) as leads_contacted,
        sum(case when is_converted then 1 else 0 end) as leads_converted,
        sum(case when is_returned then 1 else 0 end) as leads_returned,
        cast(avg(cast(contact_seconds as numeric(18, 2))) as bigint)
            as average_seconds_to_contact,
        sum(net_revenue) as net_revenue
    from leads
    group by account_id, lead_source, lead_campaign, currency
),

quality as (
    select
        account_id,
        lead_source,
        lead_campaign,
        currency,
        leads_sold,
        leads_contacted,
        leads_converted,
        leads_returned,
        average_seconds_to_contact,
        cast(cast(leads_contacted as numeric(18, 4)) / leads_sold as numeric(5, 4))
            as contact_rate,
        cast(cast(leads_converted as numeric(18, 4)) / leads_sold as numeric(5, 4))
            as conversion_rate,
        cast(cast(leads_returned as numeric(18, 4)) / leads_sold as numeric(5, 4)) as return_rate,
        cast(net_revenue as numeric(18, 2)) as net_revenue,
        cast(net_revenue / leads_sold as numeric(18, 2)) as revenue_per_lead
    from counted
)

select * from quality
