{{ config(severity='warn', tags=['whole_history']) }}
-- Leads that were sold are landed, with their buyers (SPEC D7, R7a): else no disposition finds them
-- by phone, e-mail or the partner's reference.
with

sales as (
    select distinct
        lead_id,
        partner_id
    from {{ ref('int_sales_read') }}
    where is_live and lead_id is not null and partner_id is not null
),

landed as (
    select distinct lead_id from {{ ref('stg_boberdoo__leads') }}
),

buyers as (
    select distinct
        lead_id,
        partner_id
    from {{ ref('stg_boberdoo__lead_partners') }}
)

select
    sales.lead_id,
    sales.partner_id,
    landed.lead_id is not null as is_lead_landed
from sales
left join landed on sales.lead_id = landed.lead_id
left join buyers on sales.lead_id = buyers.lead_id and sales.partner_id = buyers.partner_id
where landed.lead_id is null or buyers.lead_id is null
