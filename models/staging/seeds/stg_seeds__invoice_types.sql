select
    tenant,
    source_key,
    load_id,
    {{ json_text('document_type', 50) }} as document_type,
    {{ json_boolean('is_invoice') }} as is_invoice,
    {{ json_boolean('is_cancellation') }} as is_cancellation,
    is_deleted,
    loaded_at
from {{ source('seeds', 'invoice_types') }}
