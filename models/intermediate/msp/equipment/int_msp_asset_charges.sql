{% set rated_types = ['workstation', 'server', 'vm', 'switch', 'firewall'] %}
{% set host = [
    'assets.basis', 'assets.bill_month', 'assets.account_number', 'device_bytes.hostname',
] %}
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
        cast(sum(device_versions.backup_bytes) as bigint) as backup_bytes
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

-- Names are compared without case, so two assets may be one host: its bytes are counted once,
-- shared by them so that each is a backed-up machine (docs/decisions.md).
assets_of_hosts as (
    select
        assets.*,
        device_bytes.backup_bytes as host_bytes,
        count(*) over (
            partition by {{ host | join(', ') }}
        ) as assets_of_host,
        row_number() over (
            partition by {{ host | join(', ') }}
            order by length(assets.source_id), assets.source_id
        ) as host_position
    from assets
    left join device_bytes
        on
            assets.source = 'assets'
            and assets.basis = device_bytes.basis
            and assets.bill_month = device_bytes.bill_month
            and assets.account_number = device_bytes.account_number
            and {{ folded('assets.name') }} = device_bytes.hostname
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
            when assets.host_bytes is not null
                then
                    assets.host_bytes / assets.assets_of_host
                    + case
                        when assets.host_position <= mod(assets.host_bytes, assets.assets_of_host)
                            then 1
                        else 0
                    end
            else assets.backup_bytes
        end as backed_up_bytes
    from assets_of_hosts as assets
    inner join client_months
        on
            assets.basis = client_months.basis
            and assets.bill_month = client_months.bill_month
            and assets.account_number = client_months.account_number
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
