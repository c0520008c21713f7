{%- set lines = {
    'workstation': ('backup_base_workstation', 'Backup base fee, workstations',
        'backed_up_workstations', 'backup_base_fee_workstation'),
    'server': ('backup_base_server', 'Backup base fee, servers and VMs',
        'backed_up_servers', 'backup_base_fee_server'),
    'overage': ('backup_overage', 'Backup over included TB', 'overage_tb', 'backup_per_tb_fee'),
} -%}
with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
),

backups as (
    select * from {{ ref('int_msp_backups') }}
),

backup_charges as (
    {% for line, (kind, name, quantity, rate) in lines.items() -%}
        {{ 'union all' if not loop.first }}
        select
            backups.basis,
            backups.bill_month,
            backups.account_number,
            cast('backup:{{ line }}' as varchar(200)) as line_key,
            cast('{{ kind }}' as varchar(50)) as kind,
            cast('{{ name }}' as varchar(500)) as name,
            cast(backups.{{ quantity }} as numeric(18, 6)) as quantity,
            cast(client_months.rate_{{ rate }} as numeric(18, 6)) as rate,
            backups.{{ line }}_amount as amount
        from backups
        inner join client_months
            on
                backups.basis = client_months.basis
                and backups.bill_month = client_months.bill_month
                and backups.account_number = client_months.account_number
    {% endfor %}
)

select * from backup_charges
