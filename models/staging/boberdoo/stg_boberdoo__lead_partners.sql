{{ config(indexes=[{'columns': ['source_key']}, {'columns': ['loaded_at']}]) }}
select
    source_key,
    load_id,
    {{ json_text('lead_id', 100) }} as lead_id,
    {{ json_text('partner_id', 50) }} as partner_id,
    {{ trimmed(json_text('buyer_lead_ref', 200)) }} as buyer_lead_ref,
    is_deleted,
    loaded_at
from {{ source('boberdoo', 'lead_partners') }}
{{ landed_since_last_build() }}
