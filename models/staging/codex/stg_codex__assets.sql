select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as asset_id,
    {{ json_text('account_number', 100) }} as account_number,
    {{ json_text('hostname') }} as hostname,
    {{ json_text('device_type', 100) }} as device_type,
    {{ json_text('billing_type', 100) }} as billing_type,
    {{ json_number('custom_cost') }} as custom_cost,
    coalesce({{ json_number('backup_data_bytes', 'bigint') }}, 0) as backup_bytes,
    is_deleted,
    loaded_at
from {{ source('codex', 'assets') }}
