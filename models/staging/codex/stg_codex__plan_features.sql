select
    tenant,
    source_key,
    load_id,
    {{ json_text('plan_id', 100) }} as plan_id,
    {{ json_text('feature_type', 100) }} as feature_type,
    {{ json_text('feature_value') }} as feature_value,
    is_deleted,
    loaded_at
from {{ source('codex', 'plan_features') }}
