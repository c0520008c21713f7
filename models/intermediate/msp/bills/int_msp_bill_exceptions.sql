with

exceptions as (
    select * from {{ ref('int_msp_exceptions') }}
    where bill_month is not null
),

reasons as (
    select distinct
        bill_month,
        account_number,
        reason
    from exceptions
),

bill_exceptions as (
    select
        bill_month,
        account_number,
        cast(
            {{ dbt.listagg('reason', "';'", 'order by reason') }} as varchar(500)
        ) as exceptions
    from reasons
    group by bill_month, account_number
)

select * from bill_exceptions
