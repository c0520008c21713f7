select
    tenant,
    source_key,
    load_id,
    tenant as company_id,
    {{ json_text('document_id', 100) }} as document_id,
    {{ json_number('position', 'bigint') }} as line_number,
    {{ json_text('product_id', 100) }} as product_id,
    {{ json_text('name', 1000) }} as description,
    {{ json_text('unit', 100) }} as unit,
    {{ json_text('vat', 50) }} as vat_label,
    {{ json_number('quantity') }} as quantity,
    {{ json_number('net_unit_amount') }} as net_unit_amount,
    {{ json_number('net_amount', 'numeric(18,2)') }} as net_amount,
    {{ json_number('vat_amount', 'numeric(18,2)') }} as vat_amount,
    {{ json_number('gross_amount', 'numeric(18,2)') }} as gross_amount,
    is_deleted,
    loaded_at
from {{ source('billingo', 'items') }}
