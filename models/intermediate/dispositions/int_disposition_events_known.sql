{{ config(indexes=[
    {'columns': ['event_id']},
    {'columns': ['lead_id']},
    {'columns': ['call_id']},
    {'columns': ['partner_id', 'buyer_lead_ref']},
    {'columns': ['phone']},
    {'columns': ['email']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

stg_dispositions__events as (
    select * from {{ ref('stg_dispositions__events') }}
),

versions as (
    select
        *,
        status_at > {{ beginning() }} and status_at < {{ open_end() }} as has_status_at,
        min(loaded_at) over (partition by event_id) as first_loaded_at,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by event_id order by loaded_at
        ), {{ open_end() }}) as known_to
    from stg_dispositions__events
    {% if is_incremental() %}
        where event_id in (
            select landed.event_id from stg_dispositions__events as landed
            where landed.loaded_at > {{ watermark(this) }}
        )
    {% endif %}
),

events as (
    select
        event_id,
        file_name,
        row_number,
        load_id,
        partner_id,
        lead_id,
        call_id,
        buyer_lead_ref,
        phone,
        email,
        raw_status,
        sale_amount,
        -- A date that cannot be read parks the event (SPEC D7a); a status without one happened when
        -- it was landed (golden/deals NOTES E6).
        case when has_status_at then null else status_date end as bad_status_date,
        case when has_status_at then status_at else first_loaded_at end as status_at,
        first_loaded_at,
        known_from,
        known_to
    from versions
    where not is_deleted
)

select * from events
