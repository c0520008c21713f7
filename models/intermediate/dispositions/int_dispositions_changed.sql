{{ config(meta={'changes_of': 'int_dispositions_mapped'}) }}
{%- set known = last_known('int_dispositions_mapped') -%}
with

dispositions as (
    select * from {{ ref('int_dispositions_matched') }}
),

map as (
    select * from {{ ref('int_disposition_map_timeline') }}
),

statuses as (
    select * from {{ ref('int_disposition_statuses_timeline') }}
    where known_from > {{ known }}
),

changed_words as (
    select map_key from map
    where known_from > {{ known }}
    union
    select map.map_key
    from map
    inner join statuses on map.status = statuses.status
)

select event_id from dispositions
where {{ changed_since(known) }}
union
select dispositions.event_id
from dispositions
inner join changed_words on dispositions.partner_map_key = changed_words.map_key
union
select dispositions.event_id
from dispositions
inner join changed_words on dispositions.map_key_of_all = changed_words.map_key
