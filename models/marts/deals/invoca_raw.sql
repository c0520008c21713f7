with

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where known_to = {{ open_end() }} and is_call
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
    where known_to = {{ open_end() }}
),

dispositions as (
    select * from {{ ref('int_call_dispositions_latest') }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where business_unit = 'calls' and call_id is not null
),

hash_salts as (
    select * from {{ source('books', 'hash_salts') }}
),

leads as (
    select
        call_id,
        cast({{ dbt.listagg('lead_id', "'|'", 'order by lead_position') }} as varchar(2000))
            as lead_ids,
        count(*) as leads
    from call_leads
    group by call_id
),

revenue as (
    select
        call_id,
        currency,
        sum(amount) as net_revenue
    from entries
    group by call_id, currency
),

calls_with_revenue as (
    select
        calls.call_id,
        calls.transaction_id,
        cast(case calls.kind
            when 'cbm' then 'cbm_call'
            when 'lead_call' then 'lead_call'
        end as varchar(50)) as deal_type,
        calls.account_id,
        calls.campaign_id,
        calls.campaign_name,
        calls.advertiser_id,
        calls.phone,
        {{ salted_hash('calls.phone', 'hash_salts.salt') }} as phone_hash,
        leads.lead_ids,
        cast(coalesce(leads.leads, 0) as bigint) as leads,
        dispositions.status as disposition,
        calls.connect_seconds,
        calls.currency,
        calls.payin,
        cast(coalesce(revenue.net_revenue, 0) as numeric(18, 2)) as net_revenue,
        calls.started_at
    from calls
    left join hash_salts on calls.phone is not null
    left join leads on calls.call_id = leads.call_id
    left join revenue
        on calls.call_id = revenue.call_id and calls.currency = revenue.currency
    left join dispositions on calls.call_id = dispositions.call_id
)

select * from calls_with_revenue
