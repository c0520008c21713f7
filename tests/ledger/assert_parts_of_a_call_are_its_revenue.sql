-- A call's revenue is booked once: the parts of its leads add up to what the advertiser pays for
-- it, and to nothing where a purchase paid for it instead while its lead named it (SPEC D9-D11).
with

new_calls as (
    select distinct call_id from {{ ref('fct_ledger_entries') }}
    where component = 'call' and {{ recorded_lately() }}
    union
    select distinct call_id from {{ ref('int_call_rows_counted') }}
    where {{ recorded_lately('known_from') }}
),

-- As landed, not as the models read it: a lead names a call until it names another one.
lead_calls as (
    select
        lead_id,
        call_id,
        loaded_at as known_from,
        coalesce(
            lead(loaded_at) over (partition by lead_id order by loaded_at), {{ open_end() }}
        ) as known_to
    from {{ ref('stg_boberdoo__leads') }}
    where
        call_id is not null
        and lead_id in (
            select leads.lead_id
            from {{ ref('stg_boberdoo__leads') }} as leads
            inner join new_calls on leads.call_id = new_calls.call_id
        )
),

transactions as (
    select
        transaction_key,
        transaction_type,
        lead_id,
        is_deleted,
        loaded_at as known_from,
        coalesce(
            lead(loaded_at) over (partition by transaction_key order by loaded_at),
            {{ open_end() }}
        ) as known_to
    from {{ ref('stg_boberdoo__transactions') }}
    where
        transaction_key in (
            select sold.transaction_key
            from {{ ref('stg_boberdoo__transactions') }} as sold
            inner join lead_calls on sold.lead_id = lead_calls.lead_id
        )
),

other_words as (
    select distinct
        transaction_type,
        counts_as
    from {{ ref('stg_seeds__transaction_types') }}
),

purchased as (
    select distinct lead_calls.call_id
    from lead_calls
    inner join transactions
        on
            lead_calls.lead_id = transactions.lead_id
            and {{ overlapping('lead_calls', 'transactions') }}
    left join other_words on transactions.transaction_type = other_words.transaction_type
    where
        not transactions.is_deleted
        and coalesce(other_words.counts_as, transactions.transaction_type) in ('sale', 'purchase')
),

calls as (
    select
        calls.call_id,
        sum(case
            when calls.kind = 'lead_call' then calls.payin
            when calls.kind = 'cbm' and purchased.call_id is null then calls.payin
            else 0
        end) as revenue
    from {{ ref('int_call_rows_counted') }} as calls
    inner join new_calls on calls.call_id = new_calls.call_id
    left join purchased on calls.call_id = purchased.call_id
    where
        calls.known_to = {{ open_end() }}
        and calls.is_call
        and calls.business_unit is not null
        and calls.payin is not null
        and calls.call_id not like 'no call: %'
        and calls.account_id is not null
        and calls.started_at is not null
    group by calls.call_id
),

parts as (
    select
        entries.call_id,
        sum(entries.amount) as booked
    from {{ ref('fct_ledger_entries') }} as entries
    inner join new_calls on entries.call_id = new_calls.call_id
    where entries.component = 'call'
    group by entries.call_id
)

select
    coalesce(calls.call_id, parts.call_id) as call_id,
    calls.revenue,
    parts.booked
from calls
full outer join parts on calls.call_id = parts.call_id
where coalesce(calls.revenue, 0) != coalesce(parts.booked, 0)
