with

exceptions as (
    select * from {{ ref('int_msp_exceptions') }}
),

msp_exceptions as (
    select
        exception_id,
        account_number,
        reason,
        source,
        source_id,
        detail,
        is_closed,
        bill_month,
        since
    from exceptions
)

select * from msp_exceptions
