-- Codex rounds terabytes and makes one asset of devices with one name: Datto has the true bytes.
{%- set host = 'basis, bill_month, is_final, account_number, hostname' %}
with

assets as (
    select
        *,
        case when source = 'assets' then {{ folded('name') }} end as hostname
    from {{ ref('int_msp_thing_charges') }}
    where kind = 'asset'
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

device_versions as (
    select * from {{ ref('int_msp_device_versions') }}
),

assets_of_hosts as (
    select
        assets.basis,
        assets.bill_month,
        assets.is_final,
        assets.account_number,
        assets.hostname,
        assets.line_key,
        assets.source_id,
        assets.billed_as,
        assets.backup_bytes,
        cast(sum(device_versions.backup_bytes) as bigint) as host_bytes
    from assets
    inner join client_months
        on
            assets.basis = client_months.basis
            and assets.bill_month = client_months.bill_month
            and assets.account_number = client_months.account_number
    left join device_versions
        on
            assets.hostname = device_versions.hostname
            and assets.account_number = device_versions.account_number
            and {{ version_known_at('device_versions', 'client_months.devices_as_of_at') }}
    group by
        assets.basis,
        assets.bill_month,
        assets.is_final,
        assets.account_number,
        assets.hostname,
        assets.line_key,
        assets.source_id,
        assets.billed_as,
        assets.backup_bytes
),

-- Names are compared without case, so two assets may be one host: its bytes are counted once,
-- shared by them so that each is a backed-up machine (docs/decisions.md).
shares as (
    select
        *,
        count(*) over (partition by {{ host }}) as assets_of_host,
        row_number() over (
            partition by {{ host }} order by length(source_id), source_id
        ) as host_position
    from assets_of_hosts
),

assets_backed_up as (
    select
        basis,
        bill_month,
        account_number,
        line_key,
        billed_as,
        cast(case
            when host_bytes is null then backup_bytes
            when host_position <= mod(host_bytes, assets_of_host)
                then host_bytes / assets_of_host + 1
            else host_bytes / assets_of_host
        end as bigint) as backup_bytes,
        is_final
    from shares
)

select * from assets_backed_up
