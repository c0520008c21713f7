select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as user_id,
    {{ json_text('account_number', 100) }} as account_number,
    coalesce({{ json_text('full_name') }}, {{ json_text('name') }}, 'Unknown') as user_name,
    {{ json_text('billing_type', 100) }} as billing_type,
    {{ json_number('custom_cost') }} as custom_cost,
    {{ json_boolean('active', otherwise=true) }} as is_active,
    is_deleted,
    loaded_at
from {{ source('codex', 'contacts') }}
