with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

client_exceptions as (
    select
        account_number,
        bill_month,
        cast('no_plan' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        cast(coalesce(company_plan, '(blank)') || ' / ' || term as varchar(500)) as detail
    from client_months
    where not has_plan and ambiguous_plan is null
    union all
    select
        account_number,
        bill_month,
        cast('ambiguous_plan' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        cast(ambiguous_plan || ' / ' || term as varchar(500)) as detail
    from client_months
    where ambiguous_plan is not null
    union all
    select
        account_number,
        bill_month,
        cast('bad_contract_date' as varchar(50)) as reason,
        cast('companies' as varchar(50)) as source,
        cast(bad_contract_date as varchar(500)) as detail
    from client_months
    where bad_contract_date is not null
    {% for pool in ['monthly', 'yearly'] -%}
        union all
        select
            account_number,
            bill_month,
            cast('negative_prepaid' as varchar(50)) as reason,
            cast('client_overrides' as varchar(50)) as source,
            cast(
                'prepaid_hours_{{ pool }} '
                || cast(cast(given_hours_{{ pool }} as numeric(18, 2)) as varchar(30)) as varchar(
                    500
                )
            ) as detail
        from client_months
        where given_hours_{{ pool }} < 0
    {% endfor %}
)

select * from client_exceptions
