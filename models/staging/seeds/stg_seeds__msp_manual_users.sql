select
    tenant,
    source_key,
    load_id,
    {{ json_text('manual_user_id', 100) }} as manual_user_id,
    {{ json_text('account_number', 100) }} as account_number,
    {{ json_text('full_name') }} as user_name,
    {{ json_text('billing_type', 100) }} as billing_type,
    {{ json_number('custom_cost') }} as custom_cost,
    is_deleted,
    {{ json_date('effective_from') }} as effective_from,
    {{ json_date('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'msp_manual_users') }}
