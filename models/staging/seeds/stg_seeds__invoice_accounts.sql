select
    tenant,
    source_key,
    load_id,
    {{ json_text('company_id', 100) }} as company_id,
    {{ json_text('partner_id', 100) }} as partner_id,
    {{ json_text('account_id', 100) }} as account_id,
    is_deleted,
    loaded_at
from {{ source('seeds', 'invoice_accounts') }}
