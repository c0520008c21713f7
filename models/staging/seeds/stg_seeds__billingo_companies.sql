select
    tenant,
    source_key,
    load_id,
    {{ json_text('company_id', 100) }} as company_id,
    {{ json_text('name') }} as company_name,
    {{ json_boolean('is_active') }} as is_active,
    is_deleted,
    loaded_at
from {{ source('seeds', 'billingo_companies') }}
