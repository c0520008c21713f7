select
    tenant,
    source_key,
    load_id,
    {{ json_text('site_uid', 100) }} as site_uid,
    {{ json_text('value', 100) }} as account_number,
    is_deleted,
    loaded_at
from {{ source('datto', 'site_variables') }}
