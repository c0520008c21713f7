-- What is without a date is of the month in which it became known, and months before the first that
-- was ever closed are open and closed with that one.
with

closes as (
    select * from {{ ref('rpt_period_closes') }}
),

first_closes as (
    select
        business_unit,
        min(period_month) as first_month
    from closes
    group by business_unit
),

posting_months as (
    select * from {{ ref('dim_posting_months') }}
),

entries as (
    select
        *,
        cast(date_trunc('month', coalesce(occurred_at, recorded_at)) as date) as own_month
    from {{ ref('fct_ledger_entries') }}
)

select
    entries.entry_id,
    entries.entry_key,
    entries.entry_kind,
    entries.deal_type,
    entries.business_unit,
    entries.component,
    entries.account_id,
    entries.lead_id,
    entries.call_id,
    entries.lead_type,
    entries.campaign_id,
    entries.source,
    entries.source_key,
    entries.linked_entry_key,
    entries.load_id,
    entries.quantity,
    entries.list_amount,
    entries.discount_amount,
    entries.amount,
    entries.currency,
    entries.price_version_id,
    entries.terms_version_id,
    entries.reason,
    entries.occurred_at,
    entries.recorded_at,
    coalesce(posting_months.posting_month, entries.own_month) as posting_month
from entries
left join first_closes on entries.business_unit = first_closes.business_unit
left join closes
    on
        entries.business_unit = closes.business_unit
        and greatest(entries.own_month, first_closes.first_month) = closes.period_month
        and entries.recorded_at > closes.closed_at
        and entries.recorded_at <= coalesce(closes.reopened_at, {{ open_end() }})
left join posting_months
    on
        closes.close_id = posting_months.close_id
        and entries.recorded_at > posting_months.posted_after
        and entries.recorded_at <= posting_months.posted_through
