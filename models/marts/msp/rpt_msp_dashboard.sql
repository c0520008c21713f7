with

bills as (
    select * from {{ ref('rpt_msp_bills') }}
),

dashboard as (
    select
        bill_id,
        account_number,
        client_name,
        status,
        exceptions,
        plan_name,
        term,
        support_level,
        total,
        lag(total) over (
            partition by account_number order by bill_month
        ) as total_of_month_before,
        user_charges,
        asset_charges,
        ticket_charges,
        backup_charges,
        line_item_charges,
        currency,
        hours,
        billable_hours,
        prepaid_yearly_left,
        cast(qty_users + qty_custom_users as bigint) as paying_users,
        cast(
            qty_workstation + qty_server + qty_vm + qty_switch + qty_firewall + qty_custom as bigint
        ) as paying_assets,
        is_closed,
        is_contract_expired,
        bill_month,
        contract_ends_on
    from bills
)

select * from dashboard
