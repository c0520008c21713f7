with

charges as (
    select * from {{ ref('fct_msp_charges') }}
),

bills as (
    select * from {{ ref('rpt_msp_bills') }}
),

invoice_lines as (
    select
        charges.account_number,
        charges.line_key,
        cast(
            charges.account_number || '-' || to_char(charges.bill_month, 'YYYYMM') as varchar(110)
        ) as invoice_number,
        bills.client_name as customer,
        cast(case charges.kind
            when 'user' then 'Users'
            when 'asset' then 'Devices'
            when 'hours' then 'Labour'
            else case when substring(charges.kind, 1, 6) = 'backup' then 'Backup' else 'Other' end
        end as varchar(20)) as item,
        charges.name as description,
        charges.quantity,
        charges.rate,
        charges.amount,
        charges.currency,
        charges.is_closed,
        charges.bill_month,
        charges.last_day as invoice_date,
        cast({{ dbt.dateadd('day', var('msp_payment_days'), 'charges.last_day') }} as date)
            as due_date
    from charges
    inner join bills
        on
            charges.bill_month = bills.bill_month
            and charges.account_number = bills.account_number
)

select * from invoice_lines
