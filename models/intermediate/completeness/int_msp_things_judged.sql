-- Without a plan nothing of a client is billed but line items.
with

things as (
    select
        *,
        'msp:' || account_number || ':' || to_char(bill_month, 'YYYYMM') as unit
    from {{ ref('int_msp_things_read') }}
),

exceptions as (
    select
        'msp:' || substring(account_id, 5) || ':' || to_char(occurred_at, 'YYYYMM') as unit,
        source_key,
        reason
    from {{ ref('ledger_exceptions') }}
    where source = 'codex' and occurred_at is not null
),

held_units as (
    select distinct unit from exceptions
    where reason in ('no_plan', 'ambiguous_plan')
),

held_things as (
    select distinct
        unit,
        source_key
    from exceptions
),

things_judged as (
    select
        things.unit,
        things.line_key,
        things.amount = 0 as is_free,
        coalesce(held_things.unit, held_units.unit) is not null as is_held,
        things.bill_month
    from things
    left join held_things
        on things.unit = held_things.unit and things.source_key = held_things.source_key
    left join held_units on things.unit = held_units.unit and things.line_key not like 'item:%'
)

select * from things_judged
