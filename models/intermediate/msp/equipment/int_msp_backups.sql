{% set bytes_per_tb = 1099511627776 %}
with

assets as (
    select * from {{ ref('int_msp_assets_backed_up') }}
    where {{ is_month_due() }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

machines as (
    select
        basis,
        bill_month,
        account_number,
        is_final,
        cast(sum(backup_bytes) as bigint) as backup_bytes,
        sum(
            case when backup_bytes > 0 and billed_as = 'workstation' then 1 else 0 end
        ) as workstations,
        sum(
            case when backup_bytes > 0 and billed_as in ('server', 'vm') then 1 else 0 end
        ) as servers
    from assets
    group by basis, bill_month, account_number, is_final
),

pooled as (
    select
        machines.*,
        client_months.rate_backup_per_tb_fee as fee,
        coalesce(client_months.rate_backup_included_tb, 0)
        * (machines.workstations + machines.servers) as included_tb,
        client_months.rate_backup_base_fee_workstation as workstation_fee,
        client_months.rate_backup_base_fee_server as server_fee,
        client_months.has_plan
    from machines
    inner join client_months
        on
            machines.basis = client_months.basis
            and machines.bill_month = client_months.bill_month
            and machines.account_number = client_months.account_number
),

overages as (
    select
        *,
        case
            when has_plan
                then
                    greatest(
                        0, backup_bytes - cast(included_tb * {{ bytes_per_tb }} as numeric(38, 6))
                    )
            else 0
        end as overage_bytes
    from pooled
),

backups as (
    select
        basis,
        bill_month,
        account_number,
        backup_bytes,
        cast(workstations as bigint) as backed_up_workstations,
        cast(servers as bigint) as backed_up_servers,
        cast(included_tb as numeric(18, 6)) as included_tb,
        cast(overage_bytes / {{ bytes_per_tb }} as numeric(18, 6)) as overage_tb,
        cast(round(
            coalesce(workstations * workstation_fee, 0), 2
        ) as numeric(18, 2)) as workstation_amount,
        cast(round(coalesce(servers * server_fee, 0), 2) as numeric(18, 2)) as server_amount,
        -- Rounded once: the overage itself is not (NOTES C25).
        cast(round(
            coalesce(overage_bytes * fee / {{ bytes_per_tb }}, 0), 2
        ) as numeric(18, 2)) as overage_amount,
        is_final
    from overages
)

select * from backups
