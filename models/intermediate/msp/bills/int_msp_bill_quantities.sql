{%- set types = {
    'user:paid': 'users', 'user:free': 'free_users', 'user:custom': 'custom_users',
    'user:unknown': 'unknown_users', 'asset:workstation': 'workstation', 'asset:server': 'server',
    'asset:vm': 'vm', 'asset:switch': 'switch', 'asset:firewall': 'firewall',
    'asset:custom': 'custom', 'asset:no charge': 'no_charge',
} -%}
with

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where basis = 'bill'
),

things as (
    select
        bill_month,
        account_number,
        case when is_unknown then kind || ':unknown' else kind || ':' || billed_as end as type
    from {{ ref('int_msp_thing_charges') }}
    where basis = 'bill'
),

quantities as (
    select
        client_months.bill_month,
        client_months.account_number,
        {%- for type, name in types.items() %}
            sum(case when things.type = '{{ type }}' then 1 else 0 end) as qty_{{ name }},
        {%- endfor %}
        sum(case when things.type = 'asset:unknown' then 1 else 0 end) as qty_unknown_assets
    from client_months
    left join things
        on
            client_months.bill_month = things.bill_month
            and client_months.account_number = things.account_number
    group by client_months.bill_month, client_months.account_number
)

select * from quantities
