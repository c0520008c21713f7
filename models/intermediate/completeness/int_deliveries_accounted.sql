-- Each delivery of billing_db is booked, is held, or is out of scope (SPEC L16).
with

rejudged as (
    select * from {{ ref('int_deliveries_rejudged') }}
),

versions as (
    select
        rejudged.entry_key,
        deliveries.delivered_at,
        not deliveries.is_deleted as is_live,
        min(deliveries.loaded_at) over (partition by rejudged.entry_key) as first_loaded_at,
        row_number() over (
            partition by rejudged.entry_key order by deliveries.loaded_at desc
        ) as recency
    from rejudged
    inner join {{ ref('stg_billing_db__deliveries') }} as deliveries
        on
            rejudged.lead_type = deliveries.lead_type
            and rejudged.source_key = deliveries.source_key
),

latest as (
    select
        *,
        is_live
        and (
            delivered_at < cast('{{ var("ledger_starts_on") }}' as timestamp)
            or delivered_at
            < {{ dbt.dateadd('day', -1 * var('ledger_max_age_days'), 'first_loaded_at') }}
        ) as is_out_of_scope
    from versions
    where recency = 1
),

facts as (
    select
        entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        delivered_at as occurred_at,
        is_live,
        case when is_live then 1 else 0 end as landed,
        case when is_out_of_scope then 1 else 0 end as no_money,
        case when is_out_of_scope then 'out_of_scope' end as no_money_reason
    from latest
),

booked_facts as (
    select
        entries.entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        sum(entries.quantity) as amount,
        sum(entries.quantity) as entries
    from {{ ref('fct_ledger_entries') }} as entries
    inner join rejudged on entries.entry_key = rejudged.entry_key
    group by entries.entry_key
),

held_facts as (
    select
        exceptions.entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        false as is_parked
    from {{ ref('ledger_exceptions') }} as exceptions
    inner join rejudged on exceptions.entry_key = rejudged.entry_key
),

{{ accounted('billing_db', 'deliveries', 'select rejudged.entry_key from rejudged') }}

select * from accounted
