with

months as (
    select * from {{ ref('int_msp_months') }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where has_lines
),

assets as (
    select * from {{ ref('snap_codex__assets') }}
),

asset_overrides as (
    {{ ruling_rows(ref('stg_seeds__msp_asset_overrides'), ['asset_id']) | indent(4) }}
),

device_types as (
    {{ ruling_rows(ref('stg_seeds__msp_device_types'), ['device_type']) | indent(4) }}
),

assets_typed as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        cast('asset' as varchar(50)) as kind,
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
            and client_months.basis = asset_overrides.basis
            and client_months.bill_month = asset_overrides.bill_month
    left join device_types
        on
            {{ folded('assets.device_type') }} = device_types.device_type
            and client_months.basis = device_types.basis
            and client_months.bill_month = device_types.bill_month
)

select * from assets_typed
