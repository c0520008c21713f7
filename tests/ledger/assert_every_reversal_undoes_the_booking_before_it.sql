-- A reversal takes back exactly what stood booked: same sale, same figures, negated (SPEC L3, L4).
{%- set repeated = [
    'amount', 'deal_type', 'business_unit', 'component', 'account_id', 'linked_entry_key',
    'occurred_at',
] %}
with

reversed_keys as (
    select distinct entry_key from {{ ref('fct_ledger_entries') }}
    where entry_kind = 'reversal' and {{ recorded_lately() }}
),

entries as (
    select
        {%- for name in repeated %}
            lag(entries.{{ name }}) over (
                partition by entries.entry_key
                order by entries.recorded_at asc, entries.entry_kind desc
            ) as {{ name }}_before,
        {%- endfor %}
        entries.*
    from {{ ref('fct_ledger_entries') }} as entries
    inner join reversed_keys on entries.entry_key = reversed_keys.entry_key
)

select * from entries
where
    entry_kind = 'reversal'
    and (
        amount_before is null
        or amount != -amount_before
        or deal_type != deal_type_before
        or business_unit != business_unit_before
        or component != component_before
        or coalesce(account_id, '') != coalesce(account_id_before, '')
        or coalesce(linked_entry_key, '') != coalesce(linked_entry_key_before, '')
        or occurred_at != occurred_at_before
    )
