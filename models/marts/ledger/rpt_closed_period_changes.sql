-- Entries that are posted to another month than their own: it was closed when they became known.
with

postings as (
    select
        *,
        cast(date_trunc('month', coalesce(occurred_at, recorded_at)) as date) as closed_month
    from {{ ref('fct_ledger_postings') }}
),

corrections as (
    select * from {{ ref('rpt_corrections') }}
),

changes as (
    select
        postings.business_unit,
        postings.closed_month,
        postings.posting_month,
        postings.deal_type,
        postings.account_id,
        coalesce(corrections.cause, 'late') as cause,
        postings.currency,
        postings.amount
    from postings
    left join corrections
        on
            postings.entry_key = corrections.entry_key
            and postings.recorded_at = corrections.recorded_at
            and postings.currency = corrections.currency
    where postings.posting_month != postings.closed_month
)

select
    business_unit,
    closed_month,
    posting_month,
    deal_type,
    account_id,
    cast(cause as varchar(20)) as cause,
    currency,
    count(*) as entries,
    cast(sum(amount) as numeric(18, 2)) as amount
from changes
group by business_unit, closed_month, posting_month, deal_type, account_id, cause, currency
