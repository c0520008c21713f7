with

sold as (
    select * from {{ ref('boberdoo') }}
    where first_sold_at is not null
),

dispositions as (
    select * from {{ ref('int_dispositions_mapped') }}
    where known_to = {{ open_end() }} and lead_id is not null
),

conversions as (
    select * from {{ ref('int_conversions_reported') }}
    where known_to = {{ open_end() }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where component = 'conversion'
),

contacts as (
    select
        lead_id,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        min(status_at) as first_contacted_at
    from dispositions
    where is_contacted
    group by lead_id, partner_id
),

reported as (
    select
        lead_id,
        cast('partner:' || partner_id as varchar(100)) as account_id
    from conversions
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

converted as (
    select * from reported
    union
    select * from booked
),

leads as (
    select
        sold.*,
        contacts.first_contacted_at is not null as is_contacted,
        converted.lead_id is not null as is_converted,
        sold.refunds < 0 as is_returned,
        case
            when contacts.first_contacted_at >= sold.first_sold_at
                then {{ dbt.datediff(
                    'sold.first_sold_at', 'contacts.first_contacted_at', 'second'
                ) }}
        end as contact_seconds
    from sold
    left join contacts
        on sold.lead_id = contacts.lead_id and sold.account_id = contacts.account_id
    left join converted
        on sold.lead_id = converted.lead_id and sold.account_id = converted.account_id
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
