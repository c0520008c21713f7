-- What keeps a client's month, or one thing of it, from being billed as it is kept.
with

months as (
    select * from {{ ref('int_msp_months') }}
    where basis = 'bill'
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

asset_charges as (
    select * from {{ ref('int_msp_asset_charges') }}
    where basis = 'bill' and is_unknown
),

user_charges as (
    select * from {{ ref('int_msp_user_charges') }}
    where basis = 'bill' and is_unknown
),

time_exceptions as (
    select * from {{ ref('int_msp_time_exceptions') }}
),

exceptions as (
    select
        account_number,
        bill_month,
        cast('no_plan' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        account_number as source_id,
        cast(coalesce(company_plan, '(blank)') || ' / ' || term as varchar(500)) as detail,
        cast(null as timestamp) as since
    from client_months
    where not has_plan and ambiguous_plan is null
    union all
    select
        account_number,
        bill_month,
        cast('ambiguous_plan' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        account_number as source_id,
        cast(ambiguous_plan || ' / ' || term as varchar(500)) as detail,
        cast(null as timestamp) as since
    from client_months
    where ambiguous_plan is not null
    union all
    select
        account_number,
        bill_month,
        cast('bad_contract_date' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        account_number as source_id,
        cast(bad_contract_date as varchar(500)) as detail,
        cast(null as timestamp) as since
    from client_months
    where bad_contract_date is not null
    {% for pool in ['monthly', 'yearly'] -%}
        union all
        select
            account_number,
            bill_month,
            cast('negative_prepaid' as varchar(50)) as reason,
            cast('client_overrides' as varchar(50)) as source,
            account_number as source_id,
            cast(
                'prepaid_hours_{{ pool }} '
                || cast(cast(given_hours_{{ pool }} as numeric(18, 2)) as varchar(30)) as varchar(
                    500
                )
            ) as detail,
            cast(null as timestamp) as since
        from client_months
        where given_hours_{{ pool }} < 0
    {% endfor -%}
    union all
    select
        account_number,
        bill_month,
        cast('unknown_billing_type' as varchar(50)) as reason,
        source,
        source_id,
        cast(billing_type as varchar(500)) as detail,
        cast(null as timestamp) as since
    from asset_charges
    union all
    select
        account_number,
        bill_month,
        cast('unknown_user_type' as varchar(50)) as reason,
        source,
        source_id,
        cast(billing_type as varchar(500)) as detail,
        cast(null as timestamp) as since
    from user_charges
    union all
    select
        account_number,
        bill_month,
        reason,
        source,
        source_id,
        detail,
        since
    from time_exceptions
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
