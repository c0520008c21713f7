{{ config(meta={'changes_of': 'int_conversions_accounted'}) }}
{%- set known = judged_through('int_conversions_accounted') -%}
{%- set judged = last_judged('int_conversions_accounted') -%}
with

new_rules as (
    select partner_id from {{ ref('stg_seeds__deal_terms') }}
    where loaded_at > {{ known }}
    {% for rules in [
        ref('stg_seeds__deal_types'),
        ref('stg_seeds__disposition_map'),
        ref('stg_seeds__disposition_statuses'),
    ] %}
        union
        select '*' as partner_id from {{ rules }}
        where loaded_at > {{ known }}
    {% endfor %}
),

new_entries as (
    select
        entry_key,
        'conversion:' || lead_id || ':' || substring(account_id, 9) as pair_key
    from {{ ref('fct_ledger_entries') }}
    where recorded_at > {{ known }} and account_id like 'partner:%' and lead_id is not null
),

units as (
    select event_id as unit_key from {{ ref('stg_dispositions__events') }}
    where loaded_at > {{ known }}
    union
    select dispositions.event_id as unit_key
    from {{ ref('int_dispositions_read') }} as dispositions
    inner join new_rules on new_rules.partner_id in ('*', dispositions.partner_id)
    union
    select entry_key as unit_key from new_entries
    where entry_key like 'conversion:%'
    {% if judged -%}
        union
        select unit_key from {{ judged }}
        where
            is_held
            or not is_accounted
            or pair_key in (select new_entries.pair_key from new_entries)
    {%- endif %}
)

select cast(unit_key as varchar(250)) as unit_key from units
