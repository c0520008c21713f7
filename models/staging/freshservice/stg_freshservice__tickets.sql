select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as ticket_number,
    {{ json_text('department_id', 100) }} as department_id,
    {{ json_boolean('spam') }} as is_spam,
    {{ json_boolean('deleted') }} as is_deleted_in_helpdesk,
    is_deleted,
    loaded_at
from {{ source('freshservice', 'tickets') }}
