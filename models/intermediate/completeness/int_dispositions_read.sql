-- Dispositions as now known, with what each now means, read from staging (SPEC D7).
with

versions as (
    select
        *,
        min(loaded_at) over (partition by event_id) as first_loaded_at,
        row_number() over (partition by event_id order by loaded_at desc) as recency
    from {{ ref('stg_dispositions__events') }}
    where event_id in (
        select reread.event_id from {{ ref('int_dispositions_reread') }} as reread
    )
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
    {{ live_versions(ref('stg_seeds__disposition_map')) | indent(4) }}
),

statuses as (
    {{ live_versions(ref('stg_seeds__disposition_statuses')) | indent(4) }}
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
