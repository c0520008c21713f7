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
    {{ ruling_rows(ref('stg_seeds__msp_client_overrides'), ['account_number']) | indent(4) }}
),

plans as (
    select * from {{ ref('snap_codex__plans') }}
),

plans_in_months as (
    select
        months.basis,
        months.bill_month,
        plans.plan_id,
        plans.plan_name,
        plans.term,
        cast(
            coalesce(plans.support_level, '')
            {%- for rate in msp_rates() %}
                || '|' || cast(coalesce(plans.{{ rate }}, 0) as varchar(30))
            {%- endfor %} as varchar(600)
        ) as offer
    from months
    inner join plans on {{ version_known_at('plans', 'months.as_of_at') }}
),

-- Plans of one name and term that bill alike are one; two that do not cannot be told apart.
plans_of_a_name as (
    select
        basis,
        bill_month,
        plan_name,
        term,
        min(offer) != max(offer) as is_ambiguous,
        case when min(offer) = max(offer) then min(plan_id) end as plan_id
    from plans_in_months
    group by basis, bill_month, plan_name, term
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
        case
            when override_plans.plan_name is not null then override_plans.plan_id
            else company_plans.plan_id
        end as plan_id,
        case
            when override_plans.is_ambiguous then override_plans.plan_name
            when override_plans.plan_name is null and company_plans.is_ambiguous
                then company_plans.plan_name
        end as ambiguous_plan,
        case
            when client_overrides.source_key is not null
                then {{ version_id(
                    'msp_client_overrides', 'client_overrides.source_key',
                    'client_overrides.known_from'
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
            and companies_in_months.basis = client_overrides.basis
            and companies_in_months.bill_month = client_overrides.bill_month
    left join plans_of_a_name as override_plans
        on
            client_overrides.billing_plan = override_plans.plan_name
            and companies_in_months.term = override_plans.term
            and companies_in_months.basis = override_plans.basis
            and companies_in_months.bill_month = override_plans.bill_month
    left join plans_of_a_name as company_plans
        on
            companies_in_months.billing_plan = company_plans.plan_name
            and companies_in_months.term = company_plans.term
            and companies_in_months.basis = company_plans.basis
            and companies_in_months.bill_month = company_plans.bill_month
)

select * from clients
