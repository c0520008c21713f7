{% set rated_types = ['workstation', 'server', 'vm', 'switch', 'firewall'] %}
with

assets as (
    select
        *,
        lower(billing_type) as billed_as
    from {{ ref('int_msp_assets_typed') }}
    where {{ is_month_due() }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where {{ is_month_due() }}
),

device_versions as (
    select * from {{ ref('int_msp_device_versions') }}
),

-- Codex rounds terabytes and makes one asset of devices with one name: Datto has the true bytes.
device_bytes as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        device_versions.hostname,
        sum(device_versions.backup_bytes) as backup_bytes
    from client_months
    inner join device_versions
        on
            client_months.account_number = device_versions.account_number
            and {{ version_known_at('device_versions', 'client_months.devices_as_of_at') }}
    group by
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        device_versions.hostname
),

rated_assets as (
    select
        assets.*,
        cast(
            case when assets.source = 'assets' then 'asset:' else 'manual_asset:' end
            || assets.source_id as varchar(200)
        ) as line_key,
        case
            when not client_months.has_plan or assets.billed_as = 'no charge' then 0
            when assets.billed_as = 'custom' then coalesce(assets.custom_cost, 0)
            {%- for type in rated_types %}
                when assets.billed_as = '{{ type }}' then client_months.rate_per_{{ type }}_cost
            {%- endfor %}
            else 0
        end as rate,
        assets.billed_as not in ({{ text_list(rated_types + ['custom', 'no charge']) }})
            as is_unknown,
        case
            when assets.source = 'assets'
                then coalesce(device_bytes.backup_bytes, assets.backup_bytes)
            else 0
        end as backed_up_bytes
    from assets
    inner join client_months
        on
            assets.basis = client_months.basis
            and assets.bill_month = client_months.bill_month
            and assets.account_number = client_months.account_number
    left join device_bytes
        on
            assets.basis = device_bytes.basis
            and assets.bill_month = device_bytes.bill_month
            and assets.account_number = device_bytes.account_number
            and lower(assets.name) = device_bytes.hostname
),

asset_charges as (
    select
        basis,
        bill_month,
        account_number,
        line_key,
        source,
        source_id,
        name,
        billing_type,
        billed_as,
        type_from,
        cast(rate as numeric(18, 6)) as rate,
        cast(round(rate, 2) as numeric(18, 2)) as amount,
        cast(backed_up_bytes as bigint) as backup_bytes,
        is_unknown,
        is_final
    from rated_assets
)

select * from asset_charges
