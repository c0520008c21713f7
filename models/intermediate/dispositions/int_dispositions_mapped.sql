{{ config(indexes=[
    {'columns': ['event_id']},
    {'columns': ['lead_id', 'partner_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

changed as (
    select * from {{ ref('int_dispositions_changed') }}
),

matched as (
    select * from {{ ref('int_dispositions_matched') }}
    where event_id in (select changed.event_id from changed)
),

map as (
    select * from {{ ref('int_disposition_map_timeline') }}
),

statuses as (
    select * from {{ ref('int_disposition_statuses_timeline') }}
),

words_of_partners as (
    select distinct map_key from map
),

-- A partner that never said what its word means has what it means for all.
mapped as (
    select
        matched.*,
        map.status,
        greatest(matched.known_from, map.known_from) as mapped_known_from,
        least(matched.known_to, map.known_to) as mapped_known_to
    from matched
    left join words_of_partners on matched.partner_map_key = words_of_partners.map_key
    left join map
        on
            coalesce(words_of_partners.map_key, matched.map_key_of_all) = map.map_key
            and matched.status_at >= map.effective_from
            and matched.status_at < map.effective_to
            and {{ overlapping('matched', 'map') }}
),

with_flags as (
    select
        mapped.event_id,
        mapped.file_name,
        mapped.row_number,
        mapped.load_id,
        mapped.partner_id,
        mapped.lead_id,
        mapped.call_id,
        mapped.raw_status,
        mapped.status,
        mapped.sale_amount,
        mapped.match_step,
        mapped.parked_because,
        mapped.bad_status_date,
        coalesce(statuses.is_contacted, false) as is_contacted,
        coalesce(statuses.is_converted, false) as is_converted,
        coalesce(statuses.is_final, false) as is_final,
        mapped.status_at,
        mapped.first_loaded_at,
        greatest(mapped.mapped_known_from, statuses.known_from) as known_from,
        least(mapped.mapped_known_to, statuses.known_to) as known_to
    from mapped
    left join statuses
        on
            mapped.status = statuses.status
            and mapped.mapped_known_from < statuses.known_to
            and mapped.mapped_known_to > statuses.known_from
)

select * from with_flags
