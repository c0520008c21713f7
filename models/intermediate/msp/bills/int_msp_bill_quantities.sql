{%- set asset_types = {
    'workstation': 'workstation', 'server': 'server', 'vm': 'vm', 'switch': 'switch',
    'firewall': 'firewall', 'custom': 'custom', 'no charge': 'no_charge',
} -%}
{%- set user_types = {'paid': 'users', 'free': 'free_users', 'custom': 'custom_users'} -%}
with

assets as (
    select
        bill_month,
        account_number,
        {%- for type, name in asset_types.items() %}
            sum(case when billed_as = '{{ type }}' then 1 else 0 end) as qty_{{ name }},
        {%- endfor %}
        sum(case when is_unknown then 1 else 0 end) as qty_unknown_assets
    from {{ ref('int_msp_asset_charges') }}
    where basis = 'bill'
    group by bill_month, account_number
),

users as (
    select
        bill_month,
        account_number,
        {%- for type, name in user_types.items() %}
            sum(case when billed_as = '{{ type }}' then 1 else 0 end) as qty_{{ name }},
        {%- endfor %}
        sum(case when is_unknown then 1 else 0 end) as qty_unknown_users
    from {{ ref('int_msp_user_charges') }}
    where basis = 'bill'
    group by bill_month, account_number
),

client_months as (
    select
        bill_month,
        account_number
    from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

quantities as (
    select
        client_months.bill_month,
        client_months.account_number,
        {%- for name in user_types.values() | list + ['unknown_users'] %}
            cast(coalesce(users.qty_{{ name }}, 0) as bigint) as qty_{{ name }},
        {%- endfor %}
    {%- for name in asset_types.values() | list + ['unknown_assets'] %}
        cast(coalesce(assets.qty_{{ name }}, 0) as bigint) as qty_{{ name }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from client_months
    left join assets
        on
            client_months.bill_month = assets.bill_month
            and client_months.account_number = assets.account_number
    left join users
        on
            client_months.bill_month = users.bill_month
            and client_months.account_number = users.account_number
)

select * from quantities
