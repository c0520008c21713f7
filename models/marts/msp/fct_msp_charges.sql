with

charges as (
    select * from {{ ref('int_msp_charges') }}
    where basis = 'bill'
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

msp_charges as (
    select
        cast(
            'msp:' || charges.account_number || ':' || to_char(charges.bill_month, 'YYYYMM')
            || ':' || charges.line_key as varchar(200)
        ) as charge_id,
        charges.account_number,
        charges.line_key,
        charges.kind,
        charges.source,
        charges.source_id,
        charges.name,
        charges.billing_type,
        charges.type_from,
        client_months.price_version_id,
        client_months.terms_version_id,
        charges.quantity,
        charges.rate,
        charges.amount,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        client_months.load_id,
        client_months.is_closed,
        charges.bill_month,
        client_months.last_day,
        client_months.known_at
    from charges
    inner join client_months
        on
            charges.bill_month = client_months.bill_month
            and charges.account_number = client_months.account_number
)

select * from msp_charges
