select
    tenant,
    source_key,
    load_id,
    {{ json_number('id', 'bigint') }} as price_id,
    {{ json_text('product', 100) }} as product,
    {{ json_number('price') }} as price,
    is_deleted,
    {{ json_effective_time('effective_at') }} as effective_at,
    loaded_at
from {{ source('billing_db', 'product_prices') }}
