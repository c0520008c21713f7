select
    tenant,
    source_key,
    load_id,
    {{ json_number('id', 'bigint') }} as plan_id,
    {{ json_number('mortgage_broker_id', 'bigint') }} as mortgage_broker_id,
    {{ json_text('plan_name') }} as plan_name,
    {{ json_exact_text('discount_type', 50) }} as discount_type,
    {{ json_number('discount_value') }} as discount_value,
    is_deleted,
    {{ json_effective_time('started_at') }} as started_at,
    {{ json_effective_time('ended_at') }} as ended_at,
    loaded_at
from {{ source('billing_db', 'subscription_plans') }}
