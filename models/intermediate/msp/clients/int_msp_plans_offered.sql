-- Plans of one name and term that bill alike are one; two that do not cannot be told apart.
with

months as (
    select * from {{ ref('int_msp_months') }}
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

plans_offered as (
    select
        basis,
        bill_month,
        plan_name,
        term,
        case when min(offer) = max(offer) then min(plan_id) end as plan_id,
        min(offer) != max(offer) as is_ambiguous
    from plans_in_months
    group by basis, bill_month, plan_name, term
)

select * from plans_offered
