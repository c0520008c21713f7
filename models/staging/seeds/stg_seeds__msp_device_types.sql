select
    tenant,
    source_key,
    load_id,
    {{ folded(json_text('device_type', 100)) }} as device_type,
    {{ json_text('billing_type', 100) }} as billing_type,
    is_deleted,
    {{ json_date('effective_from') }} as effective_from,
    {{ json_date('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'msp_device_types') }}
