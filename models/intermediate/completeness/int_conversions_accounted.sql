-- Converting dispositions against the ledger, by presence (SPEC L16, D4, D7). Which lead one is
-- about is read coarsely: every way there is, and one that accounts for it is enough.
with

pairs as (
    select distinct pair_key from {{ ref('int_conversion_pairs_rejudged') }}
),

placed as (
    select * from {{ ref('int_conversions_placed') }}
),

facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        status_at as occurred_at,
        true as is_live,
        1 as landed,
        case when reason is not null then 1 else 0 end as no_money,
        reason as no_money_reason
    from placed
),

-- What stands without a disposition that would make it.
booked_facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        entries as amount,
        entries
    from placed
    union all
    select
        standing.entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        standing.entries as amount,
        standing.entries
    from {{ ref('int_conversions_standing') }} as standing
    left join pairs on standing.entry_key = pairs.pair_key
    where pairs.pair_key is null
),

held_facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        is_parked
    from placed
    where holds > 0
),

{{ accounted(
    'dispositions', 'conversions',
    'select rejudged.unit_key from ' ~ ref('int_conversions_rejudged') ~ ' as rejudged'
) }},

with_pairs as (
    select
        accounted.*,
        cast(placed.pair_key as varchar(250)) as pair_key
    from accounted
    left join placed on accounted.fact_key = placed.event_id
)

select * from with_pairs
