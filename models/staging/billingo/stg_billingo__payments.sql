select
    tenant,
    source_key,
    load_id,
    tenant as company_id,
    {{ json_text('document_id', 100) }} as document_id,
    {{ json_number('position', 'bigint') }} as payment_number,
    {{ json_text('payment_method', 50) }} as payment_method,
    {{ json_number('price', 'numeric(18,2)') }} as amount,
    {{ json_number('conversion_rate') }} as conversion_rate,
    is_deleted,
    {{ json_date('date') }} as paid_date,
    loaded_at
from {{ source('billingo', 'payments') }}
