-- Purchases and refunds of boberdoo against the ledger, in money, read from staging (SPEC L16).
with

transactions as (
    select * from {{ ref('int_transactions_read') }}
),

rejudged as (
    select 'boberdoo:' || transaction_key as entry_key from {{ ref('int_transactions_rejudged') }}
),

facts as (
    select
        transaction_key,
        transaction_key as fact_key,
        currency,
        occurred_at,
        is_live,
        case when is_live then carried else 0 end as landed,
        case when no_money_reason is null then 0 else carried end as no_money,
        no_money_reason
    from transactions
),

entries as (
    select
        *,
        substring(entry_key, 10) as transaction_key
    from {{ ref('fct_ledger_entries') }}
    where entry_key in (select rejudged.entry_key from rejudged)
),

-- What stands for nothing that may be booked is a fact of its own, of which nothing was landed.
booked_facts as (
    select
        entries.transaction_key,
        case
            when transactions.counts_as in ('nothing', 'unknown') then entries.entry_key
            else entries.transaction_key
        end as fact_key,
        entries.currency,
        sum(entries.amount) as amount,
        sum(entries.quantity) as entries
    from entries
    left join transactions on entries.transaction_key = transactions.transaction_key
    group by
        entries.transaction_key,
        entries.entry_key,
        transactions.counts_as,
        entries.currency
),

held_facts as (
    select
        substring(entry_key, 10) as transaction_key,
        substring(entry_key, 10) as fact_key,
        currency,
        coalesce(amount, 0) as amount,
        false as is_parked
    from {{ ref('ledger_exceptions') }}
    where entry_key in (select rejudged.entry_key from rejudged)
),

{{ accounted(
    'boberdoo', 'transactions', 'select substring(rejudged.entry_key, 10) from rejudged',
    unit='transaction_key'
) }}

select * from accounted
