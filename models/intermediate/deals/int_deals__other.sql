-- To read: deal types without a view of their own. Those that only the seed knows, mortgage leads
-- sold through boberdoo, and what has no type yet.
select * from {{ ref('int_leads_and_calls_stated') }}
where
    coalesce(deal_type, 'none') not in (
        'cbm_call', 'cpa', 'cpt', 'drip', 'lead_call', 'plain_lead', 'warm_transfer'
    )
