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

moments as (
    select * from {{ ref('int_ledger_moments') }}
    where {{ ledger_window('recorded_at') }}
    {%- if not is_incremental() %}
        union all
        select * from {{ ref('int_ledger_restated') }}
        where {{ ledger_window('recorded_at') }}
    {%- endif %}
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
    from moments
)

select * from entries
{%- if not is_incremental() %}
union all
-- What was published before a restatement stays as it is (SPEC L18).
select
    {{ model.columns | join(',\n    ') }}
from {{ sealed_entries() }} as sealed
{%- endif %}
