-- The partner pays what boberdoo sold the lead for, less refunds (SPEC D2, D3).
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'plain_lead'
