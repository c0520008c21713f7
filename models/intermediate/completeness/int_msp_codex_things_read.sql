-- What Codex knows of a client in each month: its assets and its active users.
{%- set staged = {'assets': ref('stg_codex__assets'), 'users': ref('stg_codex__contacts')} %}
with

months as (
    select * from {{ ref('int_msp_months_reread') }}
),

asset_overrides as (
    {{ ruling_rows(ref('stg_seeds__msp_asset_overrides'), ['asset_id']) | indent(4) }}
),

device_types as (
    {{ ruling_rows(ref('stg_seeds__msp_device_types'), ['device_type']) | indent(4) }}
),

user_overrides as (
    {{ ruling_rows(
        ref('stg_seeds__msp_user_overrides'), ['account_number', 'user_id']
    ) | indent(4) }}
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
codex_things_read as (
    select
        assets.bill_month,
        assets.account_number,
        'asset:' || assets.asset_id as line_key,
        'assets:' || assets.asset_id as source_key,
        lower(coalesce(
            asset_overrides.billing_type, assets.billing_type, device_types.billing_type,
            'workstation'
        )) as billed_as,
        case
            when asset_overrides.billing_type is not null then asset_overrides.custom_cost
            else assets.custom_cost
        end as custom_cost
    from assets
    left join asset_overrides
        on
            assets.bill_month = asset_overrides.bill_month
            and assets.asset_id = asset_overrides.asset_id
    left join device_types
        on
            assets.bill_month = device_types.bill_month
            and lower(assets.device_type) = device_types.device_type
    union all
    select
        users.bill_month,
        users.account_number,
        'user:' || users.user_id as line_key,
        'users:' || users.user_id as source_key,
        lower(coalesce(user_overrides.billing_type, users.billing_type, 'paid')) as billed_as,
        case
            when user_overrides.billing_type is not null then user_overrides.custom_cost
            else users.custom_cost
        end as custom_cost
    from users
    left join user_overrides
        on
            users.bill_month = user_overrides.bill_month
            and users.account_number = user_overrides.account_number
            and users.user_id = user_overrides.user_id
    where users.is_active
)

select * from codex_things_read
