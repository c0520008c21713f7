{{ config(indexes=[{'columns': ['lead_id']}, {'columns': ['loaded_at']}]) }}
with

leads_with_data as (
    select
        source_key as lead_id,
        load_id,
        {{ json_text('lead_type', 50) }} as lead_type,
        is_deleted,
        {{ json_timestamp('lead_date', var('boberdoo_time_zone')) }} as created_at,
        loaded_at,
        {{ json_object('lead_data') }} as payload
    from {{ source('boberdoo', 'leads') }}
    {{ landed_since_last_build() }}
),

leads as (
    select
        lead_id,
        load_id,
        lead_type,
        {{ json_text('src', 100) }} as lead_source,
        {{ json_text('sub_id', 100) }} as lead_campaign,
        {{ phone_digits(json_text('phone')) }} as phone,
        {{ folded(json_text('email')) }} as email,
        {{ json_text('call_id', 100) }} as call_id,
        is_deleted,
        created_at,
        loaded_at
    from leads_with_data
)

select * from leads
