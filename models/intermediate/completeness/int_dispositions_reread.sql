{{ config(meta={'changes_of': 'int_dispositions_read'}) }}
{%- set known = judged_through('int_dispositions_read') -%}
with

events as (
    select * from {{ ref('stg_dispositions__events') }}
),

map_versions as (
    select * from {{ ref('stg_seeds__disposition_map') }}
),

new_statuses as (
    select status from {{ ref('stg_seeds__disposition_statuses') }}
    where loaded_at > {{ known }}
),

new_words as (
    select raw_status from map_versions
    where
        loaded_at > {{ known }}
        or status in (select new_statuses.status from new_statuses)
)

select event_id from events
where loaded_at > {{ known }}
union
select event_id from events
where raw_status in (select new_words.raw_status from new_words)
