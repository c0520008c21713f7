-- What a client has in a closed month against the ledger, by presence (SPEC L16, M13). A closed
-- month never changes: it is judged when it closes, and when something is recorded for it.
-- depends_on: {{ ref('ledger_exceptions') }}
with

things_judged as (
    select * from {{ ref('int_msp_things_judged') }}
),

entries as (
    select
        *,
        'msp:' || substring(account_id, 5) || ':' || to_char(occurred_at, 'YYYYMM') as unit
    from {{ ref('fct_ledger_entries') }}
    where source = 'codex'
),

touched as (
    select things_judged.unit from things_judged
    {% if is_incremental() %}
        {% set known = judged_through(this.identifier) %}
        left join {{ this }} as judged on things_judged.unit = judged.unit_key
        where judged.unit_key is null
        union
        select 'msp:' || substring(account_id, 5) || ':' || to_char(occurred_at, 'YYYYMM') as unit
        from {{ ref('ledger_exceptions') }}
        where source = 'codex' and since > {{ known }} and occurred_at is not null
        union
        select unit_key from {{ this }}
        where is_held or not is_accounted
    {% endif %}
    union
    select unit from entries
    {% if is_incremental() %}
        where recorded_at > {{ known }}
    {% endif %}
),

things as (
    select
        *,
        unit || ':' || line_key as fact_key
    from things_judged
    where unit in (select touched.unit from touched)
),

facts as (
    select
        unit,
        fact_key,
        cast(null as varchar(3)) as currency,
        cast(bill_month as timestamp) as occurred_at,
        true as is_live,
        1 as landed,
        case when is_free and not is_held then 1 else 0 end as no_money,
        case when is_free and not is_held then 'no_charge' end as no_money_reason
    from things
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
        and unit in (select touched.unit from touched)
    group by unit, entry_key
),

held_facts as (
    select
        unit,
        fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        false as is_parked
    from things
    where is_held
),

{{ accounted('codex', 'client_months', 'select touched.unit from touched', unit='unit') }}

select * from accounted
