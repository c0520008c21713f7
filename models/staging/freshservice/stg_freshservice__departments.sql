select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as department_id,
    {{ json_nested_text('custom_fields', 'account_number', 100) }} as account_number,
    is_deleted,
    loaded_at
from {{ source('freshservice', 'departments') }}
