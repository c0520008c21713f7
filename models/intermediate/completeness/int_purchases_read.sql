with

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

types as (
    {{ live_versions(ref('stg_seeds__transaction_types')) | indent(4) }}
),

calls as (
    select * from {{ ref('int_calls_read') }}
    where is_counted and kind = 'cbm'
),

latest as (
    select
        *,
        row_number() over (partition by transaction_key order by loaded_at desc) as recency
    from transactions
    where transaction_key in (
        select reread.transaction_key from {{ ref('int_sales_reread') }} as reread
    )
),

-- The call that a lead names last: on a CBM campaign it beats the terms (SPEC D10).
named_calls as (
    select
        lead_id,
        call_id,
        row_number() over (partition by lead_id order by loaded_at desc) as recency
    from {{ ref('stg_boberdoo__leads') }}
    where
        call_id is not null
        and lead_id in (select latest.lead_id from latest)
),

purchases_read as (
    select
        latest.transaction_key,
        latest.lead_id,
        latest.partner_id,
        latest.filter_set_id,
        not latest.is_deleted and {{ counts_as('latest') | indent(8) }} = 'sale' as is_live,
        calls.call_id is not null as is_cbm,
        latest.occurred_at
    from latest
    left join types
        on coalesce(latest.transaction_type, '(blank)') = types.transaction_type
    left join named_calls on latest.lead_id = named_calls.lead_id and named_calls.recency = 1
    left join calls on named_calls.call_id = calls.call_id
    where latest.recency = 1
)

select * from purchases_read
