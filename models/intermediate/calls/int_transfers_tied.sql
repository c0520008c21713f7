with

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call and partner_id is not null
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

transfers as (
    select
        call_leads.lead_id,
        calls.partner_id,
        calls.call_id,
        calls.transaction_id,
        calls.load_id,
        calls.connect_seconds,
        calls.started_at,
        greatest(calls.known_from, call_leads.known_from) as known_from,
        least(calls.known_to, call_leads.known_to) as known_to
    from calls
    inner join call_leads
        on calls.call_id = call_leads.call_id and {{ overlapping('calls', 'call_leads') }}
)

select * from transfers
