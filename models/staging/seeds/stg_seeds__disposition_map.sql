select
    tenant,
    source_key,
    load_id,
    {{ json_text('partner_id', 50) }} as partner_id,
    {{ folded(json_text('raw_status')) }} as raw_status,
    {{ json_text('status', 50) }} as status,
    is_deleted,
    {{ json_timestamp('effective_from') }} as effective_from,
    loaded_at
from {{ source('seeds', 'disposition_map') }}
