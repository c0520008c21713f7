-- Dispositions as now known, with what each now means, read from staging (SPEC D7).
with

events as (
    select * from {{ ref('stg_dispositions__events') }}
),

map_versions as (
    select * from {{ ref('stg_seeds__disposition_map') }}
),

status_versions as (
    select * from {{ ref('stg_seeds__disposition_statuses') }}
),

{% if is_incremental() %}
    {% set known = judged_through(this) %}
    new_meanings as (
        select map_versions.raw_status
        from map_versions
        inner join status_versions on map_versions.status = status_versions.status
        where map_versions.loaded_at > {{ known }} or status_versions.loaded_at > {{ known }}
        union
        select raw_status from map_versions
        where loaded_at > {{ known }}
    ),

    touched as (
        select event_id from events
        where loaded_at > {{ known }}
        union
        select events.event_id
        from events
        inner join new_meanings on events.raw_status = new_meanings.raw_status
    ),
{% endif %}

versions as (
    select
        *,
        min(loaded_at) over (partition by event_id) as first_loaded_at,
        row_number() over (partition by event_id order by loaded_at desc) as recency
    from events
    {% if is_incremental() %}
        where event_id in (select touched.event_id from touched)
    {% endif %}
),

latest as (
    select
        event_id,
        file_name,
        row_number,
        partner_id,
        lead_id,
        call_id,
        buyer_lead_ref,
        phone,
        email,
        raw_status,
        sale_amount,
        not is_deleted as is_live,
        coalesce(status_at, first_loaded_at) as status_at,
        first_loaded_at
    from versions
    where recency = 1
),

meanings as (
    {{ live_versions('map_versions') | indent(4) }}
),

statuses as (
    {{ live_versions('status_versions') | indent(4) }}
),

-- The partner's own row of the map beats `*`, then the latest one by the status's date.
mapped as (
    select
        latest.event_id,
        meanings.status,
        row_number() over (
            partition by latest.event_id
            order by
                case when meanings.partner_id = '*' then 1 else 0 end asc,
                coalesce(meanings.effective_from, {{ beginning() }}) desc,
                meanings.source_key desc
        ) as preference
    from latest
    inner join meanings
        on
            latest.raw_status = meanings.raw_status
            and meanings.partner_id in (latest.partner_id, '*')
            and latest.status_at >= coalesce(meanings.effective_from, {{ beginning() }})
),

dispositions_read as (
    select
        latest.*,
        mapped.status,
        coalesce(statuses.is_converted, false) as is_converted,
        coalesce(statuses.is_final and not statuses.is_converted, false) as is_undoing
    from latest
    left join mapped on latest.event_id = mapped.event_id and mapped.preference = 1
    left join statuses on mapped.status = statuses.status
)

select * from dispositions_read
