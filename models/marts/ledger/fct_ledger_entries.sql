{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'appended_by': 'recorded_at', 'keeps_watermark': true},
    pre_hook="{{ remember_watermark() }}",
    post_hook="{{ gather_statistics(this) }}",
    indexes=[
        {'columns': ['entry_id'], 'unique': True},
        {'columns': ['entry_key']},
        {'columns': ['recorded_at']},
        {'columns': ['source', 'business_unit', 'component']},
    ],
    dist='entry_key',
    sort='recorded_at',
) }}

with

-- Each reads the states itself, by an index: Postgres would write a CTE with two readers out.
bookings as (
    select
        *,
        cast('booking' as varchar(10)) as entry_kind,
        1 as direction,
        opened_because as reason,
        known_from as recorded_at
    from {{ ref('int_deals_unioned') }}
    where exception_reason is null and {{ ledger_window('known_from') }}
),

reversals as (
    select
        *,
        cast('reversal' as varchar(10)) as entry_kind,
        -1 as direction,
        closed_because as reason,
        known_to as recorded_at
    from {{ ref('int_deals_unioned') }}
    where
        exception_reason is null
        and known_to < {{ open_end() }}
        and {{ ledger_window('known_to') }}
),

boundaries as (
    select * from bookings
    union all
    select * from reversals
),

entries as (
    select
        cast(
            entry_key || ':' || substring(entry_kind, 1, 1) || ':'
            || {{ known_time_text('recorded_at') }} as varchar(250)
        ) as entry_id,
        entry_key,
        entry_kind,
        deal_type,
        business_unit,
        component,
        account_id,
        lead_id,
        call_id,
        lead_type,
        campaign_id,
        source,
        source_key,
        linked_entry_key,
        load_id,
        cast(direction * quantity as integer) as quantity,
        cast(direction * list_amount as numeric(18, 2)) as list_amount,
        cast(direction * discount_amount as numeric(18, 2)) as discount_amount,
        cast(direction * amount as numeric(18, 2)) as amount,
        currency,
        price_version_id,
        terms_version_id,
        reason,
        occurred_at,
        recorded_at
    from boundaries
)

select * from entries
