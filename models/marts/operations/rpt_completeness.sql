with

facts as (
    select * from {{ ref('int_facts_accounted') }}
    where is_live or not is_accounted
),

completeness as (
    select
        source,
        stream,
        fact_month as month,
        currency,
        no_money_reason,
        cast(sum(case when is_live then 1 else 0 end) as bigint) as facts,
        cast(sum(case when is_accounted then 0 else 1 end) as bigint) as unaccounted_facts,
        cast(sum(landed) as numeric(18, 2)) as landed,
        cast(sum(booked) as numeric(18, 2)) as booked,
        cast(sum(excepted) as numeric(18, 2)) as excepted,
        cast(sum(parked) as numeric(18, 2)) as parked,
        cast(sum(no_money) as numeric(18, 2)) as no_money,
        cast(sum(difference) as numeric(18, 2)) as difference
    from facts
    group by source, stream, fact_month, currency, no_money_reason
)

select * from completeness
