{{ config(meta={'changes_of': 'int_conversions_stated'}) }}
{%- set known = last_known('int_conversions_stated') -%}
with

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

call_rows as (
    select * from {{ ref('int_call_rows_counted') }}
)

select lead_id from {{ ref('int_sales_typed') }}
where {{ changed_since(known) }}
union
select lead_id from {{ ref('int_conversions_reported') }}
where {{ changed_since(known) }}
union
select call_leads.lead_id
from call_leads
inner join call_rows on call_leads.call_id = call_rows.call_id
where {{ changed_since(known, 'call_leads') }} or {{ changed_since(known, 'call_rows') }}
