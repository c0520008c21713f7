with

months as (
    select * from {{ ref('int_msp_months') }}
),

late_facts as (
    select * from {{ ref('int_msp_late_facts') }}
),

companies as (
    select * from {{ ref('snap_codex__companies') }}
),

client_overrides as (
    {{ version_intervals(ref('stg_seeds__msp_client_overrides')) }}
),

plans as (
    select * from {{ ref('snap_codex__plans') }}
),

companies_in_months as (
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
),

clients as (
    select
        companies_in_months.*,
        coalesce(override_plans.plan_id, company_plans.plan_id) as plan_id,
        case
            when client_overrides.source_key is not null
                then {{ version_id(
                    'msp_client_overrides', 'client_overrides.source_key',
                    'client_overrides.valid_from'
                ) }}
        end as terms_version_id,
        client_overrides.support_level as override_support_level,
        {%- for rate in msp_rates() %}
            client_overrides.{{ rate }} as override_{{ rate }},
        {%- endfor %}
        cast(
            coalesce(client_overrides.prepaid_hours_monthly, 0) as numeric(18, 6)
        ) as given_hours_monthly,
        cast(
            coalesce(client_overrides.prepaid_hours_yearly, 0) as numeric(18, 6)
        ) as given_hours_yearly
    from companies_in_months
    left join client_overrides
        on
            companies_in_months.account_number = client_overrides.account_number
            and {{ rules_in_month('client_overrides', 'companies_in_months') }}
    left join plans as override_plans
        on
            client_overrides.billing_plan = override_plans.plan_name
            and companies_in_months.term = override_plans.term
            and {{ version_known_at('override_plans', 'companies_in_months.as_of_at') }}
    left join plans as company_plans
        on
            companies_in_months.billing_plan = company_plans.plan_name
            and companies_in_months.term = company_plans.term
            and {{ version_known_at('company_plans', 'companies_in_months.as_of_at') }}
)

select * from clients
