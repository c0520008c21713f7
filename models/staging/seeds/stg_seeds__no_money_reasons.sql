with

versions as (
    select
        tenant,
        source_key,
        {{ json_text('reason', 50) }} as reason,
        {{ json_text('label', 200) }} as label,
        is_deleted,
        loaded_at
    from {{ source('seeds', 'no_money_reasons') }}
),

latest_versions as (
    {{ latest_versions('versions') | indent(4) }}
)

select * from latest_versions
where not is_deleted
