select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as time_entry_id,
    {{ json_text('ticket_id', 100) }} as ticket_number,
    {{ json_text('time_spent', 100) }} as time_spent,
    {{ json_boolean('billable') }} as is_billable,
    {{ json_boolean('timer_running') }} as is_running,
    is_deleted,
    {{ json_timestamp('executed_at') }} as executed_at,
    loaded_at
from {{ source('freshservice', 'time_entries') }}
