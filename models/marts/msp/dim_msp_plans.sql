with

plans as (
    select * from {{ ref('snap_codex__plans') }}
    where known_to = {{ open_end() }} and not is_deleted
),

plan_features as (
    {{ version_intervals(ref('stg_codex__plan_features')) }}
),

features as (
    select
        plan_id,
        {{ dbt.listagg(
            "feature_type || '=' || feature_value", "'; '", 'order by feature_type'
        ) }} as features
    from plan_features
    where known_to = {{ open_end() }} and not is_deleted
    group by plan_id
),

msp_plans as (
    select
        plans.plan_id,
        plans.plan_name,
        plans.term,
        plans.support_level,
        cast(features.features as varchar(4000)) as features,
        {%- for rate in msp_rates() %}
            cast(coalesce(plans.{{ rate }}, 0) as numeric(18, 6)) as {{ rate }},
        {%- endfor %}
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        plans.known_from as in_force_since
    from plans
    left join features on plans.plan_id = features.plan_id
)

select * from msp_plans
