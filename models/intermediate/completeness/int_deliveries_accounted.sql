-- Deliveries of billing_db against the ledger: each is booked, is held, or is out of scope
-- (SPEC L16).
{%- set entry_key = "'mortgage:' || lead_type || ':' || source_key" %}
{%- set touched_key = "'mortgage:' || touched.lead_type || ':' || touched.source_key" %}
with

deliveries as (
    select * from {{ ref('stg_billing_db__deliveries') }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where entry_key like 'mortgage:%'
),

exceptions as (
    select * from {{ ref('ledger_exceptions') }}
    where entry_key like 'mortgage:%'
),

{% if is_incremental() %}
    {% set known = judged_through(this.identifier) %}
    sightings as (
        select
            lead_type,
            source_key
        from {{ ref('stg_billing_db__deliveries') }}
        where loaded_at > {{ known }}
        union all
        select
            split_part(entry_key, ':', 2) as lead_type,
            substring(entry_key, 11 + length(split_part(entry_key, ':', 2))) as source_key
        from {{ ref('fct_ledger_entries') }}
        where recorded_at > {{ known }} and entry_key like 'mortgage:%'
        union all
        select
            split_part(fact_key, ':', 2) as lead_type,
            substring(fact_key, 11 + length(split_part(fact_key, ':', 2))) as source_key
        from {{ this }}
        where is_held or not is_accounted
    ),

    -- `distinct` of a union of all, as in int_deals__mortgage_lead.
    touched as (
        select distinct
            lead_type,
            source_key
        from sightings
    ),
{% endif %}

versions as (
    select
        deliveries.lead_type,
        deliveries.source_key,
        deliveries.is_deleted,
        deliveries.delivered_at,
        min(deliveries.loaded_at) over (
            partition by deliveries.lead_type, deliveries.source_key
        ) as first_loaded_at,
        row_number() over (
            partition by deliveries.lead_type, deliveries.source_key
            order by deliveries.loaded_at desc
        ) as recency
    from deliveries
    {% if is_incremental() %}
        inner join touched
            on
                deliveries.lead_type = touched.lead_type
                and deliveries.source_key = touched.source_key
    {% endif %}
),

latest as (
    select
        *,
        not is_deleted as is_live,
        not is_deleted
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
        {{ entry_key }} as fact_key,
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
    from entries
    {% if is_incremental() %}
        inner join
            touched
            on entries.entry_key = 'mortgage:' || touched.lead_type || ':' || touched.source_key
    {% endif %}
    group by entries.entry_key
),

held_facts as (
    select
        exceptions.entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        false as is_parked
    from exceptions
    {% if is_incremental() %}
        inner join touched
            on exceptions.entry_key = {{ touched_key }}
    {% endif %}
),

{{ accounted('billing_db', 'deliveries', 'select ' ~ touched_key ~ ' from touched') }}

select * from accounted
