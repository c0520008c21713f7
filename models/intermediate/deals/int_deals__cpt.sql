-- The sale is symbolic; the partner pays for the call that was put through to it, or by what
-- became of the lead, as the terms say (SPEC D4).
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'cpt'
