{{ config(indexes=[{'columns': ['event_id']}, {'columns': ['loaded_at']}]) }}
with

reported as (
    select
        source_key as event_id,
        split_part(source_key, ':', 1) as file_name,
        {{ json_number('row_number', 'bigint') }} as row_number,
        load_id,
        is_deleted,
        loaded_at,
        payload
    from {{ source('dispositions', 'file_events') }} {{ landed_since_last_build() }}
    union all
    select
        -- An id that could be of a file's row or of a CRM's status is told from theirs.
        case when source_key ~ '^(crm|feed):|:[0-9]+$' then 'feed:' else '' end || source_key
            as event_id,
        'feed' as file_name,
        load_id as row_number,
        load_id,
        is_deleted,
        loaded_at,
        payload
    from {{ source('dispositions', 'feed_events') }} {{ landed_since_last_build() }}
),

events as (
    select
        cast(event_id as varchar(200)) as event_id,
        cast(file_name as varchar(200)) as file_name,
        row_number,
        load_id,
        {{ trimmed(json_text('partner_id', 50)) }} as partner_id,
        {{ trimmed(json_text('lead_id', 100)) }} as lead_id,
        {{ trimmed(json_text('call_id', 100)) }} as call_id,
        {{ trimmed(json_text('buyer_lead_ref', 200)) }} as buyer_lead_ref,
        {{ phone_digits(json_text('phone')) }} as phone,
        {{ folded(json_text('email')) }} as email,
        {{ folded(json_text('status')) }} as raw_status,
        {{ localized_amount(json_text('sale_amount', 100)) }} as sale_amount,
        is_deleted,
        cast({{ trimmed(json_text('status_date', 100)) }} as varchar(100)) as status_date,
        loaded_at
    from reported
),

events_and_statuses as (
    select * from events
    union all
    select
        -- A CRM says only how it is now: each version is an event.
        cast('crm:' || source_key || ':' || {{ known_time_text('loaded_at') }} as varchar(200))
            as event_id,
        cast('crm' as varchar(200)) as file_name,
        load_id as row_number,
        load_id,
        {{ json_text('partner_id', 50) }} as partner_id,
        {{ json_text('lead_id', 100) }} as lead_id,
        cast(null as varchar(100)) as call_id,
        cast(null as varchar(200)) as buyer_lead_ref,
        cast(null as varchar(10)) as phone,
        cast(null as varchar(500)) as email,
        {{ folded(json_text('crm_lead_status')) }} as raw_status,
        {{ localized_amount(json_text('revenue', 100)) }} as sale_amount,
        is_deleted,
        cast(null as varchar(100)) as status_date,
        loaded_at
    from {{ source('boberdoo', 'crm_statuses') }}
    {{ landed_since_last_build() }} and not is_deleted
),

events_with_dates as (
    select
        *,
        {{ utc_timestamp(iso_date('status_date')) }} as status_at
    from events_and_statuses
)

select * from events_with_dates
