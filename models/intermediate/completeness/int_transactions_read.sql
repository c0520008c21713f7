-- A transaction that is gone carries nothing any more; of a type that nobody has declared, what it
-- carries may be held, never booked (SPEC D2a).
with

versions as (
    select
        *,
        not is_deleted as is_live,
        row_number() over (partition by transaction_key order by loaded_at desc) as recency
    from {{ ref('stg_boberdoo__transactions') }}
    where transaction_key in (
        select rejudged.transaction_key from {{ ref('int_transactions_rejudged') }} as rejudged
    )
),

types as (
    {{ live_versions(ref('stg_seeds__transaction_types')) | indent(4) }}
),

latest as (
    select
        versions.*,
        {{ counts_as('versions') | indent(8) }} as counts_as
    from versions
    left join types
        on coalesce(versions.transaction_type, '(blank)') = types.transaction_type
    where versions.recency = 1
),

transactions_read as (
    select
        transaction_key,
        cast(counts_as as varchar(20)) as counts_as,
        cast(case
            when not is_live or counts_as = 'sale' then null
            when counts_as = 'nothing' then 'void'
            when amount = 0 then 'zero'
        end as varchar(50)) as no_money_reason,
        cast(coalesce(
            case when counts_as = 'refund' then -abs(amount) else amount end, 0
        ) as numeric(18, 2)) as carried,
        currency,
        is_live,
        occurred_at
    from latest
)

select * from transactions_read
