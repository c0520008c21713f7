{{ config(indexes=[
    {'columns': ['event_id']},
    {'columns': ['lead_id', 'partner_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

dispositions as (
    select * from {{ ref('int_dispositions_matched') }}
),

mapped_statuses as (
    select * from {{ ref('int_disposition_map_timeline') }}
),

statuses as (
    select * from {{ ref('int_disposition_statuses_timeline') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select event_id from dispositions
        where {{ changed_since(known) }}
        union
        select dispositions.event_id
        from dispositions
        inner join mapped_statuses on dispositions.partner_map_key = mapped_statuses.map_key
        where mapped_statuses.known_from > {{ known }}
        union
        select dispositions.event_id
        from dispositions
        inner join mapped_statuses on dispositions.map_key_of_all = mapped_statuses.map_key
        where mapped_statuses.known_from > {{ known }}
        union
        select mapped.event_id
        from {{ this }} as mapped
        inner join statuses on mapped.status = statuses.status
        where statuses.known_from > {{ known }}
    ),
{% endif %}

matched as (
    select * from dispositions
    {% if is_incremental() %}
        where event_id in (select touched.event_id from touched)
    {% endif %}
),

-- The partner's own row of the map beats `*`.
mapped as (
    select
        matched.event_id,
        matched.file_name,
        matched.row_number,
        matched.load_id,
        matched.partner_id,
        matched.lead_id,
        matched.call_id,
        matched.raw_status,
        matched.sale_amount,
        matched.match_step,
        matched.parked_because,
        matched.bad_status_date,
        matched.status_at,
        matched.first_loaded_at,
        coalesce(of_partner.status, of_all.status) as status,
        greatest(matched.known_from, of_partner.known_from, of_all.known_from) as known_from,
        least(matched.known_to, of_partner.known_to, of_all.known_to) as known_to
    from matched
    left join mapped_statuses as of_partner
        on
            matched.partner_map_key = of_partner.map_key
            and matched.status_at >= of_partner.effective_from
            and matched.status_at < of_partner.effective_to
            and {{ overlapping('matched', 'of_partner') }}
    left join mapped_statuses as of_all
        on
            matched.map_key_of_all = of_all.map_key
            and matched.status_at >= of_all.effective_from
            and matched.status_at < of_all.effective_to
            and greatest(matched.known_from, of_partner.known_from) < of_all.known_to
            and least(matched.known_to, of_partner.known_to) > of_all.known_from
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
        greatest(mapped.known_from, statuses.known_from) as known_from,
        least(mapped.known_to, statuses.known_to) as known_to
    from mapped
    left join statuses
        on mapped.status = statuses.status and {{ overlapping('mapped', 'statuses') }}
)

select * from with_flags
