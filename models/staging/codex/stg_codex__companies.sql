select
    tenant,
    source_key,
    load_id,
    {{ json_text('account_number', 100) }} as account_number,
    {{ json_text('name') }} as client_name,
    {{ json_text('billing_plan') }} as billing_plan,
    coalesce({{ json_text('contract_term_length', 100) }}, 'Month to Month') as term,
    {{ json_text('contract_start_date', 100) }} as contract_start_text,
    {{ json_text('contract_end_date', 100) }} as contract_end_text,
    is_deleted,
    {{ json_date('contract_start_date') }} as contract_start_date,
    {{ json_date('contract_end_date') }} as contract_end_date,
    loaded_at
from {{ source('codex', 'companies') }}
