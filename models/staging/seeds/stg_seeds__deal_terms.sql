select
    tenant,
    source_key,
    load_id,
    {{ json_text('partner_id', 50) }} as partner_id,
    {{ json_text('filter_set_id', 50) }} as filter_set_id,
    {{ json_text('deal_type', 50) }} as deal_type,
    {{ json_text('rate_basis', 50) }} as rate_basis,
    {{ json_number('rate') }} as rate,
    {{ json_number('min_seconds', 'bigint') }} as min_seconds,
    {{ json_number('expected_conversion_rate') }} as expected_conversion_rate,
    is_deleted,
    {{ json_timestamp('effective_from') }} as effective_from,
    {{ json_timestamp('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'deal_terms') }}
