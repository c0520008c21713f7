{%- set rates = [
    'per_workstation_cost', 'per_server_cost', 'per_vm_cost', 'per_switch_cost',
    'per_firewall_cost', 'per_user_cost',
] %}
{%- set staged = {
    'companies': ref('stg_codex__companies'), 'plans': ref('stg_codex__plans'),
} %}
with

months as (
    select * from {{ ref('int_msp_months_reread') }}
),

client_overrides as (
    {{ ruling_rows(ref('stg_seeds__msp_client_overrides'), ['account_number']) | indent(4) }}
),

{% for name, versions in staged.items() -%}
    {{ name }} as (
        select
            months.bill_month,
            versions.*
        from months
        inner join (
            {{ version_intervals(versions) | indent(12) }}
        ) as versions on {{ version_known_at('versions', 'months.as_of_at') }}
    ),

{% endfor -%}
-- Of two plans of one name, any: they bill alike, or the client is held.
clients as (
    select
        companies.bill_month,
        companies.account_number,
        coalesce(max(override_plans.plan_id), max(company_plans.plan_id)) as plan_id
    from companies
    left join client_overrides
        on
            companies.bill_month = client_overrides.bill_month
            and companies.account_number = client_overrides.account_number
    left join plans as override_plans
        on
            companies.bill_month = override_plans.bill_month
            and client_overrides.billing_plan = override_plans.plan_name
            and companies.term = override_plans.term
    left join plans as company_plans
        on
            companies.bill_month = company_plans.bill_month
            and companies.billing_plan = company_plans.plan_name
            and companies.term = company_plans.term
    group by companies.bill_month, companies.account_number
),

rates_read as (
    select
        clients.bill_month,
        clients.account_number,
        {%- for rate in rates %}
            case
                when plans.plan_id is not null
                    then coalesce(client_overrides.{{ rate }}, plans.{{ rate }}, 0)
            end as {{ rate }},
        {%- endfor %}
        clients.plan_id
    from clients
    left join plans
        on clients.bill_month = plans.bill_month and clients.plan_id = plans.plan_id
    left join client_overrides
        on
            clients.bill_month = client_overrides.bill_month
            and clients.account_number = client_overrides.account_number
)

select * from rates_read
