select
    tenant,
    source_key,
    load_id,
    {{ json_text('account_number', 100) }} as account_number,
    case
        when
            {{ json_boolean('override_billing_plan_enabled') }}
            then {{ json_text('billing_plan') }}
    end as billing_plan,
    case
        when {{ json_boolean('override_support_level_enabled') }}
            then {{ json_text('support_level', 100) }}
    end as support_level,
    {%- for rate, switch in msp_rates().items() %}
        case when {{ json_boolean(switch) }} then {{ json_number(rate) }} end as {{ rate }},
    {%- endfor %}
    {%- for hours in ['prepaid_hours_monthly', 'prepaid_hours_yearly'] %}
        case
            when {{ json_boolean('override_' ~ hours ~ '_enabled') }} then {{ json_number(hours) }}
        end as {{ hours }},
    {%- endfor %}
    is_deleted,
    {{ json_date('effective_from') }} as effective_from,
    {{ json_date('effective_to') }} as effective_to,
    loaded_at
from {{ source('seeds', 'msp_client_overrides') }}
