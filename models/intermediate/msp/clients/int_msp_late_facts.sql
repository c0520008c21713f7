-- What became known after a month had closed, and bears on it: its bill stands, and only these
-- clients' closed months are computed again with what is known now (SPEC L9, M1).
with

months as (
    select * from {{ ref('int_msp_months') }}
    where is_final
),

late_client_months as (
    select
        account_number,
        bill_month,
        max(is_configuration) as is_configuration
    from (
        select
            account_number,
            bill_month,
            1 as is_configuration
        from {{ ref('int_msp_late_configuration') }}
        union all
        select
            account_number,
            bill_month,
            0 as is_configuration
        from {{ ref('int_msp_late_tickets') }}
    ) as late_facts
    group by account_number, bill_month
),

late_client_years as (
    select distinct
        account_number,
        extract(year from bill_month) as bill_year
    from late_client_months
),

-- A late hour moves the yearly pool of the whole year.
months_to_compare as (
    select
        late_client_years.account_number,
        months.bill_month,
        coalesce(late_client_months.is_configuration, 0) = 1 as is_configuration_late,
        false as is_final
    from late_client_years
    inner join months on late_client_years.bill_year = extract(year from months.bill_month)
    left join late_client_months
        on
            late_client_years.account_number = late_client_months.account_number
            and months.bill_month = late_client_months.bill_month
)

select * from months_to_compare
