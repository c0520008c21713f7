with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where has_lines
),

assets as (
    select * from {{ ref('snap_codex__assets') }}
),

asset_overrides as (
    {{ version_intervals(ref('stg_seeds__msp_asset_overrides')) }}
),

device_types as (
    {{ version_intervals(ref('stg_seeds__msp_device_types')) }}
),

manual_assets as (
    {{ version_intervals(ref('stg_seeds__msp_manual_assets')) }}
),

assets_in_months as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        cast('assets' as varchar(50)) as source,
        assets.asset_id as source_id,
        assets.hostname as name,
        coalesce(
            asset_overrides.billing_type, assets.billing_type, device_types.billing_type,
            'Workstation'
        ) as billing_type,
        cast(case
            when asset_overrides.billing_type is not null then 'override'
            when assets.billing_type is not null then 'payload'
            when device_types.billing_type is not null then 'device_type'
            else 'default'
        end as varchar(20)) as type_from,
        case
            when asset_overrides.billing_type is not null then asset_overrides.custom_cost
            when assets.billing_type is not null then assets.custom_cost
        end as custom_cost,
        assets.backup_bytes
    from client_months
    inner join assets
        on
            client_months.account_number = assets.account_number
            and {{ version_known_at('assets', 'client_months.as_of_at') }}
    left join asset_overrides
        on
            assets.asset_id = asset_overrides.asset_id
            and {{ rules_in_month('asset_overrides', 'client_months') }}
    left join device_types
        on
            lower(assets.device_type) = device_types.device_type
            and {{ rules_in_month('device_types', 'client_months') }}
),

manual_assets_in_months as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        cast('manual_assets' as varchar(50)) as source,
        manual_assets.manual_asset_id as source_id,
        manual_assets.hostname as name,
        coalesce(manual_assets.billing_type, 'Workstation') as billing_type,
        cast(case
            when manual_assets.billing_type is null then 'default' else 'manual'
        end as varchar(20)) as type_from,
        manual_assets.custom_cost,
        cast(0 as bigint) as backup_bytes
    from client_months
    inner join manual_assets
        on
            client_months.account_number = manual_assets.account_number
            and {{ rules_in_month('manual_assets', 'client_months') }}
),

all_assets as (
    select * from assets_in_months
    union all
    select * from manual_assets_in_months
)

select * from all_assets
