-- What a client has in a closed month against the ledger, by presence (SPEC L16, M13). A closed
-- month never changes: it is judged when it closes, and when something is recorded for it.
{%- set unit = "'msp:' || account_number || ':' || to_char(bill_month, 'YYYYMM')" %}
with

things_read as (
    select
        *,
        {{ unit }} as unit
    from {{ ref('int_msp_things_read') }}
),

entries as (
    select
        *,
        'msp:' || substring(account_id, 5) || ':' || to_char(occurred_at, 'YYYYMM') as unit
    from {{ ref('fct_ledger_entries') }}
    where business_unit = 'msp'
),

exceptions as (
    select
        *,
        'msp:' || substring(account_id, 5) || ':' || to_char(occurred_at, 'YYYYMM') as unit
    from {{ ref('ledger_exceptions') }}
    where business_unit = 'msp' and occurred_at is not null
),

{% if is_incremental() %}
    {% set known = judged_through(this.identifier) %}
    touched as (
        select unit from entries
        where recorded_at > {{ known }}
        union
        select unit from exceptions
        where since > {{ known }}
        union
        select things_read.unit
        from things_read
        left join {{ this }} as judged on things_read.unit = judged.unit_key
        where judged.unit_key is null
        union
        select unit_key from {{ this }}
        where is_held or not is_accounted
    ),
{% endif %}

things as (
    select * from things_read
    {% if is_incremental() %}
        where unit in (select touched.unit from touched)
    {% endif %}
),

-- Without a plan nothing of it is billed but line items.
held_units as (
    select distinct unit from exceptions
    where reason in ('no_plan', 'ambiguous_plan')
),

held_things as (
    select distinct
        things.unit,
        things.line_key
    from things
    left join exceptions
        on things.unit = exceptions.unit and things.source_key = exceptions.source_key
    left join held_units on things.unit = held_units.unit and things.line_key not like 'item:%'
    where exceptions.unit is not null or held_units.unit is not null
),

facts as (
    select
        things.unit,
        things.unit || ':' || things.line_key as fact_key,
        cast(null as varchar(3)) as currency,
        cast(things.bill_month as timestamp) as occurred_at,
        true as is_live,
        1 as landed,
        case when things.amount = 0 and held_things.unit is null then 1 else 0 end as no_money,
        case when things.amount = 0 and held_things.unit is null then 'no_charge' end
            as no_money_reason
    from things
    left join held_things
        on things.unit = held_things.unit and things.line_key = held_things.line_key
),

-- Hours and backups are of many facts at once: bills and their tests add those up.
booked_facts as (
    select
        unit,
        entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        sum(quantity) as amount,
        sum(quantity) as entries
    from entries
    where
        entry_key not like '%:hours'
        and entry_key not like '%:backup:%'
        {% if is_incremental() %}
            and unit in (select touched.unit from touched)
        {% endif %}
    group by unit, entry_key
),

held_facts as (
    select
        unit,
        unit || ':' || line_key as fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        false as is_parked
    from held_things
),

{{ accounted('codex', 'client_months', 'select touched.unit from touched', unit='unit') }}

select * from accounted
