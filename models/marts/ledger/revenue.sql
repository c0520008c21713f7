with

entries as (
    select * from {{ ref('fct_ledger_postings') }}
),

revenue as (
    select
        cast(occurred_at as date) as revenue_date,
        posting_month,
        business_unit,
        deal_type,
        account_id,
        lead_type,
        campaign_id,
        currency,
        cast(sum(
            case when entry_kind = 'booking' and component != 'refund' then amount else 0 end
        ) as numeric(18, 2)) as booked,
        cast(sum(
            case when entry_kind = 'reversal' and component != 'refund' then amount else 0 end
        ) as numeric(18, 2)) as reversed,
        cast(sum(
            case when component = 'refund' then amount else 0 end
        ) as numeric(18, 2)) as refunded,
        cast(sum(amount) as numeric(18, 2)) as net
    from entries
    group by
        cast(occurred_at as date),
        posting_month,
        business_unit,
        deal_type,
        account_id,
        lead_type,
        campaign_id,
        currency
)

select * from revenue
