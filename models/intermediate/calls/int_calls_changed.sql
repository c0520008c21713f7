{{ config(meta={'changes_of': 'int_calls_stated'}) }}
{%- set known = last_known('int_calls_stated') -%}
with

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
),

purchases as (
    select * from {{ ref('int_call_purchases_known') }}
)

select call_id from {{ ref('int_call_rows_counted') }}
where {{ changed_since(known) }}
union
select call_id from call_leads
where {{ changed_since(known) }}
union
select call_leads.call_id
from call_leads
inner join sales on call_leads.lead_id = sales.lead_id
where {{ changed_since(known, 'sales') }}
union
select call_id from purchases
where lead_known_from > {{ known }}
union
select call_id from purchases
where sale_known_from > {{ known }}
