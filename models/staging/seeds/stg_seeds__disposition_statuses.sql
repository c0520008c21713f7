select
    tenant,
    source_key,
    load_id,
    {{ json_text('status', 50) }} as status,
    {{ json_text('stage', 50) }} as stage,
    {{ json_number('rank', 'bigint') }} as rank,
    lower({{ json_text('is_contacted', 10) }}) = 'true' as is_contacted,
    lower({{ json_text('is_converted', 10) }}) = 'true' as is_converted,
    lower({{ json_text('is_final', 10) }}) = 'true' as is_final,
    is_deleted,
    loaded_at
from {{ source('seeds', 'disposition_statuses') }}
