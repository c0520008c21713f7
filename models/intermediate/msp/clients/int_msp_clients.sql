with

months as (
    select * from {{ ref('int_msp_months') }}
),

companies as (
    select * from {{ ref('int_msp_companies_billed') }}
),

plans_offered as (
    select * from {{ ref('int_msp_plans_offered') }}
),

client_overrides as (
    {{ ruling_rows(ref('stg_seeds__msp_client_overrides'), ['account_number']) | indent(4) }}
),

clients as (
    select
        companies.*,
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
    from companies
    left join client_overrides
        on
            companies.account_number = client_overrides.account_number
            and companies.basis = client_overrides.basis
            and companies.bill_month = client_overrides.bill_month
    {% for found, name in {
        'override_plans': 'client_overrides.billing_plan',
        'company_plans': 'companies.billing_plan',
    }.items() -%}
        left join plans_offered as {{ found }}
            on
                {{ name }} = {{ found }}.plan_name
                and companies.term = {{ found }}.term
                and companies.basis = {{ found }}.basis
                and companies.bill_month = {{ found }}.bill_month
    {% endfor %}
)

select * from clients
