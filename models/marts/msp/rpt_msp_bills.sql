{%- set groups = {
    'user_charges': "kind = 'user'",
    'asset_charges': "kind = 'asset'",
    'ticket_charges': "kind = 'hours'",
    'backup_charges': "substring(kind, 1, 6) = 'backup'",
    'line_item_charges': "substring(kind, 1, 4) = 'item'",
} -%}
with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill' and {{ is_month_due('is_closed') }}
),

hours as (
    select * from {{ ref('int_msp_hours') }}
    where basis = 'bill'
),

backups as (
    select * from {{ ref('int_msp_backups') }}
    where basis = 'bill'
),

quantities as (
    select * from {{ ref('int_msp_bill_quantities') }}
),

totals as (
    select
        bill_month,
        account_number,
        {%- for name, condition in groups.items() %}
            sum(case when {{ condition }} then amount else 0 end) as {{ name }},
        {%- endfor %}
        sum(amount) as total
    from {{ ref('int_msp_charges') }}
    where
        basis = 'bill'
        and bill_month in (select client_months.bill_month from client_months)
    group by bill_month, account_number
),

exceptions as (
    select * from {{ ref('int_msp_bill_exceptions') }}
),

bills as (
    select
        cast(
            client_months.account_number || ':' || to_char(client_months.bill_month, 'YYYYMM')
            as varchar(110)
        ) as bill_id,
        client_months.account_number,
        client_months.client_name,
        cast(case when client_months.has_plan then 'ok' else 'no_plan' end as varchar(10))
            as status,
        exceptions.exceptions,
        client_months.plan_name,
        client_months.term,
        client_months.support_level,
        {%- for name in groups %}
            cast(coalesce(totals.{{ name }}, 0) as numeric(18, 2)) as {{ name }},
        {%- endfor %}
        cast(coalesce(totals.total, 0) as numeric(18, 2)) as total,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        hours.hours,
        hours.prepaid_hours_monthly,
        hours.prepaid_hours_yearly,
        hours.prepaid_monthly_used,
        hours.prepaid_yearly_used,
        hours.prepaid_yearly_left,
        hours.billable_hours,
        cast(coalesce(backups.backup_bytes, 0) as bigint) as backup_bytes,
        cast(coalesce(backups.backed_up_workstations, 0) as bigint) as backed_up_workstations,
        cast(coalesce(backups.backed_up_servers, 0) as bigint) as backed_up_servers,
        cast(coalesce(backups.included_tb, 0) as numeric(18, 6)) as included_tb,
        cast(coalesce(backups.overage_tb, 0) as numeric(18, 6)) as overage_tb,
        {%- for rate in msp_rates() %}
            cast(client_months.rate_{{ rate }} as numeric(18, 6)) as rate_{{ rate }},
        {%- endfor %}
        quantities.qty_users,
        quantities.qty_free_users,
        quantities.qty_custom_users,
        quantities.qty_unknown_users,
        quantities.qty_workstation,
        quantities.qty_server,
        quantities.qty_vm,
        quantities.qty_switch,
        quantities.qty_firewall,
        quantities.qty_custom,
        quantities.qty_no_charge,
        quantities.qty_unknown_assets,
        client_months.is_closed,
        client_months.is_backfilled,
        client_months.is_contract_expired,
        client_months.bill_month,
        client_months.contract_ends_on,
        client_months.known_at
    from client_months
    left join totals
        on
            client_months.bill_month = totals.bill_month
            and client_months.account_number = totals.account_number
    left join hours
        on
            client_months.bill_month = hours.bill_month
            and client_months.account_number = hours.account_number
    left join backups
        on
            client_months.bill_month = backups.bill_month
            and client_months.account_number = backups.account_number
    left join quantities
        on
            client_months.bill_month = quantities.bill_month
            and client_months.account_number = quantities.account_number
    left join exceptions
        on
            client_months.bill_month = exceptions.bill_month
            and client_months.account_number = exceptions.account_number
)

select * from bills
