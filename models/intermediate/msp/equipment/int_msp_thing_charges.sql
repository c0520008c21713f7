{%- set rates = {
    'asset:workstation': 'per_workstation_cost', 'asset:server': 'per_server_cost',
    'asset:vm': 'per_vm_cost', 'asset:switch': 'per_switch_cost',
    'asset:firewall': 'per_firewall_cost', 'user:paid': 'per_user_cost',
} -%}
{%- set free = ['asset:no charge', 'user:free'] -%}
{%- set custom = ['asset:custom', 'user:custom'] -%}
with

things as (
    select
        *,
        lower(billing_type) as billed_as,
        kind || ':' || lower(billing_type) as kind_and_type
    from {{ ref('int_msp_things_typed') }}
    where {{ is_month_due() }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where {{ is_month_due() }}
),

rated_things as (
    select
        things.*,
        case
            when not client_months.has_plan then 0
            when things.kind_and_type in ({{ text_list(custom) }})
                then coalesce(things.custom_cost, 0)
            {%- for type, rate in rates.items() %}
                when things.kind_and_type = '{{ type }}' then client_months.rate_{{ rate }}
            {%- endfor %}
            else 0
        end as rate
    from things
    inner join client_months
        on
            things.basis = client_months.basis
            and things.bill_month = client_months.bill_month
            and things.account_number = client_months.account_number
),

thing_charges as (
    select
        basis,
        bill_month,
        account_number,
        -- `asset`, `manual_asset`, `user` or `manual_user`, and its id.
        cast(substring(source, 1, length(source) - 1) || ':' || source_id as varchar(200))
            as line_key,
        kind,
        source,
        source_id,
        name,
        billing_type,
        billed_as,
        type_from,
        cast(rate as numeric(18, 6)) as rate,
        cast(round(rate, 2) as numeric(18, 2)) as amount,
        backup_bytes,
        kind_and_type not in ({{ text_list(rates.keys() | list + custom + free) }}) as is_unknown,
        is_final
    from rated_things
)

select * from thing_charges
