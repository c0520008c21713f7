with

months as (
    select * from {{ ref('int_msp_months') }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

plan_features as (
    {{ version_intervals(ref('stg_codex__plan_features')) }}
),

feature_overrides as (
    {{ ruling_rows(
        ref('stg_seeds__msp_feature_overrides'), ['account_number', 'feature_type']
    ) | indent(4) }}
),

features_of_plans as (
    select
        client_months.account_number,
        client_months.bill_month,
        plan_features.feature_type,
        plan_features.feature_value,
        0 as is_override
    from client_months
    inner join plan_features
        on
            client_months.plan_id = plan_features.plan_id
            and {{ version_known_at('plan_features', 'client_months.as_of_at') }}
),

features_of_clients as (
    select
        client_months.account_number,
        client_months.bill_month,
        feature_overrides.feature_type,
        feature_overrides.feature_value,
        1 as is_override
    from client_months
    inner join feature_overrides
        on
            client_months.account_number = feature_overrides.account_number
            and client_months.basis = feature_overrides.basis
            and client_months.bill_month = feature_overrides.bill_month
    where feature_overrides.is_enabled and feature_overrides.feature_value is not null
),

all_features as (
    select * from features_of_plans
    union all
    select * from features_of_clients
),

preferred as (
    select
        *,
        row_number() over (
            partition by account_number, bill_month, feature_type order by is_override desc
        ) as preference
    from all_features
),

features as (
    select
        account_number,
        feature_type,
        feature_value,
        is_override = 1 as is_overridden,
        bill_month
    from preferred
    where preference = 1
)

select * from features
