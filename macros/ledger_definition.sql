{#- The vars that the ledger reads, as text: they are part of its definition (SPEC L6a). -#}
{% macro ledger_definition() -%}
    {%- for name in [
        'boberdoo_time_zone',
        'call_match_days',
        'currency',
        'disposition_window_days',
        'invoca_time_zone',
        'ledger_max_age_days',
        'ledger_starts_on',
        'msp_close_days',
        'msp_first_month',
        'msp_inclusive_support_levels',
    ] -%}
        {%- set value = var(name) -%}
        {{ name }}={{ value | join(',') if value is sequence and value is not string else value }}{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
