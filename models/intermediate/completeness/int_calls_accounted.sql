-- Rows of Invoca against the ledger, in money (SPEC L16, D10, D11).
{%- set rejudged = 'select rejudged.call_id from ' ~ ref('int_calls_rejudged') ~ ' as rejudged' %}
with

calls as (
    select * from {{ ref('int_calls_read') }}
    where call_id in ({{ rejudged }})
),

bought as (
    select * from {{ ref('int_calls_bought_read') }}
),

explained as (
    select
        calls.*,
        case
            when calls.no_money_reason is not null then calls.no_money_reason
            when calls.kind = 'cbm' and calls.is_counted and bought.call_id is not null
                then 'purchase_rules'
        end as reason
    from calls
    left join bought on calls.call_id = bought.call_id
),

facts as (
    select
        call_id,
        case when is_counted then call_id else call_id || '/' || transaction_id end as fact_key,
        currency,
        started_at as occurred_at,
        is_live,
        reason as no_money_reason,
        case when is_live then coalesce(payin, 0) else 0 end as landed,
        case when is_live and reason is not null then coalesce(payin, 0) else 0 end as no_money
    from explained
),

booked_facts as (
    select
        call_id,
        call_id as fact_key,
        currency,
        sum(amount) as amount,
        sum(quantity) as entries
    from {{ ref('fct_ledger_entries') }}
    where component = 'call' and source = 'invoca' and call_id in ({{ rejudged }})
    group by call_id, currency
),

held_facts as (
    select
        call_id,
        call_id as fact_key,
        currency,
        coalesce(amount, 0) as amount,
        false as is_parked
    from {{ ref('ledger_exceptions') }}
    where
        (entry_key like 'call:%' or entry_key like 'cbm:%')
        and call_id in ({{ rejudged }})
),

{{ accounted('invoca', 'transactions', rejudged, unit='call_id') }}

select * from accounted
