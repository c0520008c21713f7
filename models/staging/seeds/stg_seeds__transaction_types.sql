select
    tenant,
    source_key,
    load_id,
    cast({{ folded(json_text('transaction_type', 50)) }} as varchar(50)) as transaction_type,
    lower({{ json_text('counts_as', 20) }}) as counts_as,
    is_deleted,
    loaded_at
from {{ source('seeds', 'transaction_types') }}
