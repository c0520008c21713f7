-- A reversal takes back exactly what stood booked: same sale, same figures, negated (SPEC L3, L4).
with

reversed_keys as (
    select distinct entry_key from {{ ref('fct_ledger_entries') }}
    where entry_kind = 'reversal' and {{ recorded_lately() }}
),

entries as (
    select
        entries.*,
        lag(entries.amount) over (
            partition by entries.entry_key order by entries.recorded_at asc, entries.entry_kind desc
        ) as amount_before,
        lag(entries.account_id) over (
            partition by entries.entry_key order by entries.recorded_at asc, entries.entry_kind desc
        ) as account_id_before,
        lag(entries.occurred_at) over (
            partition by entries.entry_key order by entries.recorded_at asc, entries.entry_kind desc
        ) as occurred_at_before
    from {{ ref('fct_ledger_entries') }} as entries
    inner join reversed_keys on entries.entry_key = reversed_keys.entry_key
)

select * from entries
where
    entry_kind = 'reversal'
    and (
        amount_before is null
        or amount != -amount_before
        or coalesce(account_id, '') != coalesce(account_id_before, '')
        or occurred_at != occurred_at_before
    )
