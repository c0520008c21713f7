select
    tenant,
    source_key,
    load_id,
    {{ json_text('id', 100) }} as plan_id,
    {{ json_text('plan_name') }} as plan_name,
    coalesce({{ json_text('term_length', 100) }}, 'Month to Month') as term,
    {{ json_text('support_level', 100) }} as support_level,
    {%- for rate in msp_rates() %}
        {{ json_number(rate) }} as {{ rate }},
    {%- endfor %}
    is_deleted,
    loaded_at
from {{ source('codex', 'plans') }}
