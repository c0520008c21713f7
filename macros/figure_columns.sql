{#- What makes two states, or a state and a sealed entry, the same to the ledger (SPEC L2a). Campaign,
    lead type, names, source rows and versions are not among it. -#}
{% macro figure_columns() -%}
    {{ return([
        'deal_type', 'business_unit', 'component', 'account_id', 'lead_id', 'call_id',
        'linked_entry_key', 'occurred_at', 'quantity', 'list_amount', 'discount_amount', 'amount',
        'currency',
    ]) }}
{%- endmacro %}
