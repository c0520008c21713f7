select
    tenant,
    source_key,
    load_id,
    {{ json_text('campaign_id', 100) }} as campaign_id,
    {{ json_text('kind', 50) }} as kind,
    {{ json_text('policy', 50) }} as policy,
    {{ json_text('partner_id', 50) }} as partner_id,
    is_deleted,
    {{ json_timestamp('effective_from') }} as effective_from,
    {{ json_timestamp('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'call_campaigns') }}
