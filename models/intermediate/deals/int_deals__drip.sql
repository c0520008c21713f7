-- An aged lead: paid like a plain one (SPEC D2). Its age at sale is in `boberdoo`.
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'drip'
