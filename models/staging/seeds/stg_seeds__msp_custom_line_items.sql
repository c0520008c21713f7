select
    tenant,
    source_key,
    load_id,
    {{ json_text('line_item_id', 100) }} as line_item_id,
    {{ json_text('account_number', 100) }} as account_number,
    {{ json_text('name') }} as item_name,
    {{ json_text('description', 100) }} as description,
    {{ json_number('monthly_fee') }} as monthly_fee,
    {{ json_number('one_off_fee') }} as one_off_fee,
    {{ json_number('one_off_year', 'bigint') }} as one_off_year,
    {{ json_number('one_off_month', 'bigint') }} as one_off_month,
    {{ json_number('yearly_fee') }} as yearly_fee,
    {{ json_number('yearly_bill_month', 'bigint') }} as yearly_bill_month,
    is_deleted,
    {{ json_date('effective_from') }} as effective_from,
    {{ json_date('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'msp_custom_line_items') }}
