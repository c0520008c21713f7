-- What keeps a client's month, or one thing of it, from being billed as it is kept.
with

months as (
    select * from {{ ref('int_msp_months') }}
    where basis = 'bill'
),

exceptions as (
    select
        account_number,
        bill_month,
        reason,
        source,
        account_number as source_id,
        detail,
        cast(null as timestamp) as since
    from {{ ref('int_msp_client_exceptions') }}
    union all
    select
        account_number,
        bill_month,
        cast(case
            when kind = 'user' then 'unknown_user_type' else 'unknown_billing_type'
        end as varchar(50)) as reason,
        source,
        source_id,
        cast(billing_type as varchar(500)) as detail,
        cast(null as timestamp) as since
    from {{ ref('int_msp_thing_charges') }}
    where basis = 'bill' and is_unknown
    union all
    select
        account_number,
        bill_month,
        reason,
        source,
        source_id,
        detail,
        since
    from {{ ref('int_msp_time_exceptions') }}
),

exceptions_since as (
    select
        cast(
            'msp:' || exceptions.account_number || ':'
            || coalesce(to_char(exceptions.bill_month, 'YYYYMM'), 'no_month') || ':'
            || exceptions.reason || ':' || exceptions.source || ':' || exceptions.source_id
            || case
                when exceptions.reason = 'negative_prepaid'
                    then ':' || split_part(exceptions.detail, ' ', 1)
                else ''
            end as varchar(200)
        ) as exception_id,
        exceptions.account_number,
        exceptions.reason,
        exceptions.source,
        exceptions.source_id,
        exceptions.detail,
        coalesce(months.is_closed, false) as is_closed,
        exceptions.bill_month,
        months.last_day,
        coalesce(exceptions.since, months.known_at) as since
    from exceptions
    left join months on exceptions.bill_month = months.bill_month
),

-- One row an id, whatever the vendors give twice.
told_once as (
    select
        *,
        row_number() over (partition by exception_id order by since, detail) as preference
    from exceptions_since
)

select * from told_once
where preference = 1
