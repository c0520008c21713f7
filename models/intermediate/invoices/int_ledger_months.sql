{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'keeps_watermark': true},
    pre_hook="{{ remember_watermark() }}",
    post_hook="{{ gather_statistics(this) }}",
    dist='account_id',
    sort='recorded_at',
) }}
with

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    {% if is_incremental() %}
        where recorded_at > {{ watermark(this) }}
    {% endif %}
),

months as (
    select
        account_id,
        cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as billing_month,
        currency,
        recorded_at,
        cast(sum(amount) as numeric(18, 2)) as amount,
        min(occurred_at) as first_occurred_at,
        max(occurred_at) as last_occurred_at
    from entries
    group by
        account_id,
        cast({{ dbt.date_trunc('month', 'occurred_at') }} as date),
        currency,
        recorded_at
)

select * from months
