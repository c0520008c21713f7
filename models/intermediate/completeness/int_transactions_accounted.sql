-- Purchases and refunds of boberdoo against the ledger, in money, read from staging (SPEC L16).
with

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

type_versions as (
    select * from {{ ref('stg_seeds__transaction_types') }}
),

entries as (
    select
        *,
        substring(entry_key, 10) as transaction_key
    from {{ ref('fct_ledger_entries') }}
    where entry_key like 'boberdoo:%'
),

exceptions as (
    select * from {{ ref('ledger_exceptions') }}
    where entry_key like 'boberdoo:%'
),

{% if is_incremental() %}
    {% set known = judged_through(this.identifier) %}
    touched as (
        select transaction_key as fact_key from transactions
        where loaded_at > {{ known }}
        union
        select transaction_key from entries
        where recorded_at > {{ known }}
        union
        select transactions.transaction_key
        from transactions
        inner join type_versions
            on coalesce(transactions.transaction_type, '(blank)') = type_versions.transaction_type
        where type_versions.loaded_at > {{ known }}
        union
        select unit_key from {{ this }}
        where is_held or not is_accounted
    ),
{% endif %}

versions as (
    select
        *,
        row_number() over (partition by transaction_key order by loaded_at desc) as recency
    from transactions
    {% if is_incremental() %}
        where transaction_key in (select touched.fact_key from touched)
    {% endif %}
),

types as (
    {{ live_versions('type_versions') | indent(4) }}
),

-- As now known: a transaction that is gone carries nothing any more; of a type that nobody has
-- declared, what it carries may be held, never booked (SPEC D2a).
latest as (
    select
        versions.transaction_key,
        versions.currency,
        versions.amount,
        versions.occurred_at,
        not versions.is_deleted as is_live,
        {{ counts_as('versions') | indent(8) }} as counts_as
    from versions
    left join types
        on coalesce(versions.transaction_type, '(blank)') = types.transaction_type
    where versions.recency = 1
),

explained as (
    select
        *,
        case when counts_as = 'refund' then -abs(amount) else amount end as carried,
        case
            when not is_live or counts_as = 'sale' then null
            when counts_as = 'nothing' then 'void'
            when amount = 0 then 'zero'
        end as no_money_reason
    from latest
),

facts as (
    select
        transaction_key,
        transaction_key as fact_key,
        currency,
        occurred_at,
        is_live,
        case when is_live then coalesce(carried, 0) else 0 end as landed,
        case when no_money_reason is null then 0 else coalesce(carried, 0) end as no_money,
        no_money_reason
    from explained
),

-- What stands for nothing that may be booked is a fact of its own, of which nothing was landed.
booked_facts as (
    select
        entries.transaction_key,
        case
            when latest.counts_as in ('nothing', 'unknown') then entries.entry_key
            else entries.transaction_key
        end as fact_key,
        entries.currency,
        sum(entries.amount) as amount,
        sum(entries.quantity) as entries
    from entries
    left join latest on entries.transaction_key = latest.transaction_key
    {% if is_incremental() %}
        where entries.entry_key in (select 'boberdoo:' || touched.fact_key from touched)
    {% endif %}
    group by
        entries.transaction_key,
        case
            when latest.counts_as in ('nothing', 'unknown') then entries.entry_key
            else entries.transaction_key
        end,
        entries.currency
),

held_facts as (
    select
        substring(entry_key, 10) as transaction_key,
        substring(entry_key, 10) as fact_key,
        currency,
        coalesce(amount, 0) as amount,
        false as is_parked
    from exceptions
    {% if is_incremental() %}
        where substring(entry_key, 10) in (select touched.fact_key from touched)
    {% endif %}
),

{{ accounted(
    'boberdoo', 'transactions', 'select touched.fact_key from touched', unit='transaction_key'
) }}

select * from accounted
