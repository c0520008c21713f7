{{ config(meta={'changes_of': 'int_conversions_accounted'}) }}
select
    conversions.event_id,
    cast(conversions.partner_id as varchar(50)) as partner_id,
    cast(leads.lead_id as varchar(500)) as lead_id,
    cast('conversion:' || leads.lead_id || ':' || conversions.partner_id as varchar(250))
        as pair_key,
    conversions.status_at
from {{ ref('int_conversion_leads_read') }} as leads
inner join {{ ref('int_dispositions_read') }} as conversions
    on leads.event_id = conversions.event_id
