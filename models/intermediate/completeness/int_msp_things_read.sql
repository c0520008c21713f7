-- What a client has in each closed month, and at which rate, read from staging (SPEC M1-M5, M9).
{%- set rates = {
    'workstation': 'per_workstation_cost', 'server': 'per_server_cost', 'vm': 'per_vm_cost',
    'switch': 'per_switch_cost', 'firewall': 'per_firewall_cost', 'paid': 'per_user_cost',
} %}
with

things as (
    select * from {{ ref('int_msp_codex_things_read') }}
    union all
    select * from {{ ref('int_msp_kept_things_read') }}
),

clients as (
    select * from {{ ref('int_msp_rates_read') }}
),

things_read as (
    select
        clients.bill_month,
        clients.account_number,
        cast(things.line_key as varchar(200)) as line_key,
        cast(things.source_key as varchar(200)) as source_key,
        cast(things.billed_as as varchar(100)) as billed_as,
        cast(round(case
            when things.billed_as in ('no charge', 'free') then 0
            when things.billed_as = 'custom' then coalesce(things.custom_cost, 0)
            {%- for type, rate in rates.items() %}
                when things.billed_as = '{{ type }}' then clients.{{ rate }}
            {%- endfor %}
        end, 2) as numeric(18, 2)) as amount
    from clients
    inner join things
        on
            clients.bill_month = things.bill_month
            and clients.account_number = things.account_number
)

select * from things_read
