{{ config(meta={'changes_of': 'int_deliveries_accounted'}) }}
{%- set known = judged_through('int_deliveries_accounted') -%}
{%- set judged = last_judged('int_deliveries_accounted') -%}
with

entry_keys as (
    select entry_key from {{ ref('fct_ledger_entries') }}
    where recorded_at > {{ known }} and entry_key like 'mortgage:%'
    {% if judged %}
        union all
        select unit_key from {{ judged }}
        where is_held or not is_accounted
    {% endif %}
),

sightings as (
    select
        lead_type,
        source_key
    from {{ ref('stg_billing_db__deliveries') }}
    where loaded_at > {{ known }}
    union all
    select
        cast(split_part(entry_key, ':', 2) as varchar(50)) as lead_type,
        cast(
            substring(entry_key, 11 + length(split_part(entry_key, ':', 2))) as varchar(500)
        ) as source_key
    from entry_keys
)

-- `distinct` of a union of all, as in int_mortgage_leads_changed.
select distinct
    lead_type,
    source_key,
    cast('mortgage:' || lead_type || ':' || source_key as varchar(200)) as entry_key
from sightings
