select
    tenant,
    source_key,
    load_id,
    {{ json_text('ticket_id', 100) }} as ticket_id,
    {{ json_text('ticket_number', 100) }} as ticket_number,
    {{ json_text('account_number', 100) }} as account_number,
    lower({{ json_text('status', 100) }}) as status,
    coalesce({{ json_number('total_hours_spent') }}, 0) as total_hours_spent,
    is_deleted,
    {{ json_timestamp('last_updated_at') }} as last_updated_at,
    loaded_at
from {{ source('codex', 'tickets') }}
