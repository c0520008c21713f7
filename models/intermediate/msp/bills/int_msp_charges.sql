-- Every line of every client and month; those of closed months twice, see int_msp_months.
with

lines as (
    select
        basis,
        bill_month,
        account_number,
        line_key,
        kind,
        source,
        source_id,
        name,
        billing_type,
        type_from,
        cast(1 as numeric(18, 6)) as quantity,
        rate,
        amount
    from {{ ref('int_msp_thing_charges') }}
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
    union all
    select
        basis,
        bill_month,
        account_number,
        line_key,
        kind,
        cast('assets' as varchar(50)) as source,
        cast(null as varchar(100)) as source_id,
        name,
        cast(null as varchar(100)) as billing_type,
        cast(null as varchar(20)) as type_from,
        quantity,
        rate,
        amount
    from {{ ref('int_msp_backup_charges') }}
)

select * from lines
where amount != 0
