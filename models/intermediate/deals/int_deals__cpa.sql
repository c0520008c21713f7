-- The sale is symbolic; the partner pays once the lead became its customer (SPEC D4).
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'cpa'
