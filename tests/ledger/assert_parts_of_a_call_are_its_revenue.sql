-- A call's revenue is booked once: the parts of its leads add up to what the advertiser pays for
-- it, and to nothing where a purchase pays for it instead (SPEC D9-D11).
with

new_calls as (
    select distinct call_id from {{ ref('fct_ledger_entries') }}
    where component = 'call' and {{ recorded_lately() }}
    union
    select distinct call_id from {{ ref('int_call_rows_counted') }}
    where {{ recorded_lately('known_from') }}
),

purchased as (
    select distinct leads.call_id
    from {{ ref('int_leads_known') }} as leads
    inner join new_calls on leads.call_id = new_calls.call_id
    inner join {{ ref('int_sales_typed') }} as sales on leads.lead_id = sales.lead_id
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
        and calls.payin is not null
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
