select
    tenant,
    source_key,
    load_id,
    {{ json_text('account_number', 100) }} as account_number,
    {{ json_text('feature_type', 100) }} as feature_type,
    {{ json_text('value') }} as feature_value,
    {{ json_boolean('override_enabled') }} as is_enabled,
    is_deleted,
    {{ json_date('effective_from') }} as effective_from,
    {{ json_date('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'msp_feature_overrides') }}
