-- A call on a CBM campaign: boberdoo's sale for it if there is one, else Invoca's payin (SPEC D10).
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'cbm_call'
