with

versions as (
    select
        tenant,
        source_key,
        {{ json_text('lead_type', 50) }} as lead_type,
        {{ json_text('label', 100) }} as label,
        {{ json_text('delivery_table', 100) }} as delivery_table,
        is_deleted,
        loaded_at
    from {{ source('seeds', 'lead_types') }}
),

latest_versions as (
    {{ latest_versions('versions') | indent(4) }}
)

select * from latest_versions
where not is_deleted
