-- All companies in the months as they are billed; in those looked at again, whom it may concern.
with

months as (
    select * from {{ ref('int_msp_months') }}
),

companies as (
    select * from {{ ref('snap_codex__companies') }}
),

late_facts as (
    select * from {{ ref('int_msp_late_facts') }}
),

companies_billed as (
    select
        months.*,
        companies.account_number,
        companies.client_name,
        companies.load_id,
        companies.billing_plan,
        companies.term,
        companies.contract_start_text,
        companies.contract_end_text,
        companies.contract_start_date,
        companies.contract_end_date,
        months.basis = 'bill' or late_facts.is_configuration_late as has_lines
    from months
    inner join companies
        on
            {{ version_known_at('companies', 'months.as_of_at') }}
    left join late_facts
        on
            companies.account_number = late_facts.account_number
            and months.bill_month = late_facts.bill_month
    where months.basis = 'bill' or late_facts.account_number is not null
)

select * from companies_billed
