select
    tenant,
    source_key,
    load_id,
    {{ json_text('deal_type', 50) }} as deal_type,
    {{ json_text('business_unit', 20) }} as business_unit,
    {{ json_text('label', 100) }} as label,
    lower({{ json_text('paid_on', 20) }}) as paid_on,
    is_deleted,
    loaded_at
from {{ source('seeds', 'deal_types') }}
