{{ config(meta={'changes_of': 'int_dispositions_matched'}) }}
{%- set known = last_known('int_dispositions_matched') -%}
with

events as (
    select * from {{ ref('int_disposition_events_known') }}
),

candidates as (
    select * from {{ ref('int_disposition_candidates_found') }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where {{ changed_since(known) }}
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call and {{ changed_since(known) }}
)

select event_id from events
where {{ changed_since(known) }}
union
select event_id from candidates
where {{ changed_since(known) }}
union
select candidates.event_id
from candidates
inner join sales on candidates.lead_id = sales.lead_id
union
select events.event_id
from events
inner join calls on events.call_id = calls.call_id
