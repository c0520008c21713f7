{%- set backup_lines = {
    'workstation': ('backup_base_workstation', 'Backup base fee, workstations',
        'backups.backed_up_workstations', 'client_months.rate_backup_base_fee_workstation'),
    'server': ('backup_base_server', 'Backup base fee, servers and VMs',
        'backups.backed_up_servers', 'client_months.rate_backup_base_fee_server'),
    'overage': ('backup_overage', 'Backup over included TB',
        'backups.overage_tb', 'client_months.rate_backup_per_tb_fee'),
} -%}
-- Every line of every client and month; those of closed months twice, see int_msp_months.
with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

backups as (
    select * from {{ ref('int_msp_backups') }}
),

lines as (
    select
        basis,
        bill_month,
        account_number,
        line_key,
        cast('asset' as varchar(50)) as kind,
        source,
        source_id,
        name,
        billing_type,
        type_from,
        cast(1 as numeric(18, 6)) as quantity,
        rate,
        amount
    from {{ ref('int_msp_asset_charges') }}
    union all
    select
        basis,
        bill_month,
        account_number,
        line_key,
        cast('user' as varchar(50)) as kind,
        source,
        source_id,
        name,
        billing_type,
        type_from,
        cast(1 as numeric(18, 6)) as quantity,
        rate,
        amount
    from {{ ref('int_msp_user_charges') }}
    union all
    select
        basis,
        bill_month,
        account_number,
        line_key,
        kind,
        cast('custom_line_items' as varchar(50)) as source,
        source_id,
        name,
        cast(null as varchar(100)) as billing_type,
        cast(null as varchar(20)) as type_from,
        cast(1 as numeric(18, 6)) as quantity,
        rate,
        amount
    from {{ ref('int_msp_item_charges') }}
    union all
    select
        basis,
        bill_month,
        account_number,
        cast('hours' as varchar(200)) as line_key,
        cast('hours' as varchar(50)) as kind,
        cast('tickets' as varchar(50)) as source,
        cast(null as varchar(100)) as source_id,
        cast('Billable hours' as varchar(500)) as name,
        cast(null as varchar(100)) as billing_type,
        cast(null as varchar(20)) as type_from,
        billable_hours as quantity,
        rate,
        amount
    from {{ ref('int_msp_hours') }}
    {% for line, (kind, name, quantity, rate) in backup_lines.items() -%}
        union all
        select
            backups.basis,
            backups.bill_month,
            backups.account_number,
            cast('backup:{{ line }}' as varchar(200)) as line_key,
            cast('{{ kind }}' as varchar(50)) as kind,
            cast('assets' as varchar(50)) as source,
            cast(null as varchar(100)) as source_id,
            cast('{{ name }}' as varchar(500)) as name,
            cast(null as varchar(100)) as billing_type,
            cast(null as varchar(20)) as type_from,
            cast({{ quantity }} as numeric(18, 6)) as quantity,
            cast({{ rate }} as numeric(18, 6)) as rate,
            backups.{{ line }}_amount as amount
        from backups
        inner join client_months
            on
                backups.basis = client_months.basis
                and backups.bill_month = client_months.bill_month
                and backups.account_number = client_months.account_number
    {% endfor %}
)

select * from lines
where amount != 0
