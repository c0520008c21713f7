with

entries as (
    select * from {{ ref('fct_ledger_postings') }}
),

-- Nothing of a key is a correction before its first booking is undone.
undone as (
    select
        *,
        min(recorded_at) over (partition by entry_key) as first_undone_at
    from entries
    where entry_kind = 'reversal'
),

corrected_keys as (
    select distinct
        entry_key,
        first_undone_at
    from undone
),

booked as (
    select entries.*
    from entries
    inner join corrected_keys
        on
            entries.entry_key = corrected_keys.entry_key
            and entries.recorded_at >= corrected_keys.first_undone_at
    where entries.entry_kind = 'booking'
),

-- An entry's currency may change: each currency is a row then.
corrections as (
    select
        coalesce(booked.entry_key, undone.entry_key) as entry_key,
        coalesce(booked.recorded_at, undone.recorded_at) as recorded_at,
        coalesce(booked.currency, undone.currency) as currency,
        coalesce(booked.business_unit, undone.business_unit) as business_unit,
        coalesce(booked.deal_type, undone.deal_type) as deal_type,
        coalesce(booked.component, undone.component) as component,
        coalesce(booked.account_id, undone.account_id) as account_id,
        coalesce(booked.campaign_id, undone.campaign_id) as campaign_id,
        coalesce(booked.occurred_at, undone.occurred_at) as occurred_at,
        coalesce(booked.posting_month, undone.posting_month) as posting_month,
        undone.price_version_id as price_version_id_before,
        booked.price_version_id as price_version_id_after,
        undone.terms_version_id as terms_version_id_before,
        booked.terms_version_id as terms_version_id_after,
        undone.load_id as load_id_before,
        booked.load_id as load_id_after,
        undone.entry_key = booked.entry_key as is_changed,
        not {{ same_values(['price_version_id'], 'undone', 'booked') }} as has_other_price,
        not {{ same_values(['terms_version_id'], 'undone', 'booked') }} as has_other_terms,
        not {{ same_values(['linked_entry_key'], 'undone', 'booked') }} as has_other_link,
        not {{ same_values(['source_key'], 'undone', 'booked') }} as has_other_source_key,
        not {{ same_values(['load_id'], 'undone', 'booked') }} as has_other_load_id,
        not {{ same_values(['deal_type'], 'undone', 'booked') }} as has_other_deal_type,
        not {{ same_values(['lead_id'], 'undone', 'booked') }} as has_other_lead_id,
        not {{ same_values(['call_id'], 'undone', 'booked') }} as has_other_call_id,
        not {{ same_values(['campaign_id'], 'undone', 'booked') }} as has_other_campaign_id,
        -coalesce(undone.amount, 0) as amount_before,
        coalesce(booked.amount, 0) as amount_after,
        undone.reason as undone_reason,
        booked.reason as booked_reason
    from undone
    full outer join booked
        on
            undone.entry_key = booked.entry_key
            and undone.recorded_at = booked.recorded_at
            and undone.currency = booked.currency
)

select * from corrections
