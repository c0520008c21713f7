{{ config(indexes=[
    {'columns': ['call_id']},
    {'columns': ['lead_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

changed as (
    select * from {{ ref('int_call_leads_changed') }}
),

call_rows as (
    select * from {{ ref('int_call_rows_counted') }}
    where call_id in (select changed.call_id from changed)
),

found as (
    select * from {{ ref('int_call_leads_found') }}
),

leads_of_calls as (
    select
        calls.call_id,
        leads.lead_id,
        leads.created_at,
        leads.known_from,
        leads.known_to
    from (select distinct
        call_id,
        lead_id
    from found) as calls
    inner join {{ ref('int_leads_known') }} as leads on calls.lead_id = leads.lead_id
),

{{ known_spans('call_id', ['call_rows', 'leads_of_calls']) }},

found_in_spans as (
    select distinct
        spans.call_id,
        found.lead_id,
        found.found_by,
        spans.known_from,
        spans.known_to
    from spans
    inner join found on spans.call_id = found.call_id and {{ known_at('found') }}
),

tied as (
    select
        *,
        max(case when found_by = 'lead_id' then 1 else 0 end) over (
            partition by call_id, known_from
        ) as carries_ids
    from found_in_spans
),

-- The phone counts only where the call carries no id.

in_order as (
    select
        tied.call_id,
        tied.lead_id,
        tied.found_by as tied_by,
        row_number() over (
            partition by tied.call_id, tied.known_from
            order by
                case when leads_of_calls.created_at is null then 1 else 0 end,
                leads_of_calls.created_at,
                length(tied.lead_id),
                tied.lead_id
        ) as lead_position,
        count(*) over (partition by tied.call_id, tied.known_from) as leads_of_call,
        tied.known_from,
        tied.known_to
    from tied
    left join leads_of_calls
        on
            tied.call_id = leads_of_calls.call_id
            and tied.lead_id = leads_of_calls.lead_id
            and {{ known_at('leads_of_calls', 'tied') }}
    where tied.found_by = 'lead_id' or tied.carries_ids = 0
)

select * from in_order
