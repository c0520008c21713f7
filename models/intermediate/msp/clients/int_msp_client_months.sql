with

clients as (
    select * from {{ ref('int_msp_clients') }}
    where {{ is_month_due() }}
),

plans as (
    select * from {{ ref('snap_codex__plans') }}
),

contract_ends as (
    select
        *,
        case
            when contract_end_text is not null then contract_end_date
            when term ~ '^[0-9]{1,2} Years?$' and contract_start_date is not null
                then cast({{ dbt.dateadd('day', -1, dbt.dateadd(
                    'year', "cast(split_part(term, ' ', 1) as integer)", 'contract_start_date'
                )) }} as date)
        end as contract_ends_on,
        case
            when contract_end_text is not null and contract_end_date is null
                then 'contract_end_date ' || contract_end_text
            when
                contract_end_text is null and term ~ '^[0-9]{1,2} Years?$'
                and contract_start_text is not null and contract_start_date is null
                then 'contract_start_date ' || contract_start_text
        end as bad_contract_date
    from clients
),

client_months as (
    select
        contract_ends.basis,
        contract_ends.bill_month,
        contract_ends.account_number,
        contract_ends.client_name,
        contract_ends.load_id,
        contract_ends.plan_id,
        case
            when plans.plan_id is not null
                then {{ version_id('billing_plans', 'plans.source_key', 'plans.known_from') }}
        end as price_version_id,
        contract_ends.terms_version_id,
        plans.plan_name,
        contract_ends.billing_plan as company_plan,
        contract_ends.term,
        case
            when plans.plan_id is not null
                then coalesce(contract_ends.override_support_level, plans.support_level)
        end as support_level,
        {%- for rate in msp_rates() %}
            cast(case
                when plans.plan_id is not null
                    then coalesce(contract_ends.override_{{ rate }}, plans.{{ rate }}, 0)
            end as numeric(18, 6)) as rate_{{ rate }},
        {%- endfor %}
        contract_ends.given_hours_monthly,
        contract_ends.given_hours_yearly,
        contract_ends.bad_contract_date,
        contract_ends.ambiguous_plan,
        contract_ends.is_closed,
        contract_ends.is_final,
        contract_ends.is_backfilled,
        contract_ends.has_lines,
        plans.plan_id is not null as has_plan,
        coalesce(contract_ends.contract_ends_on < contract_ends.last_day, false)
            as is_contract_expired,
        contract_ends.last_day,
        contract_ends.contract_ends_on,
        contract_ends.next_month_at,
        contract_ends.as_of_at,
        contract_ends.devices_as_of_at,
        contract_ends.known_at
    from contract_ends
    left join plans
        on
            contract_ends.plan_id = plans.plan_id
            and {{ version_known_at('plans', 'contract_ends.as_of_at') }}
)

select * from client_months
