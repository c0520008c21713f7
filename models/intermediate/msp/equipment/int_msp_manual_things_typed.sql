with

months as (
    select * from {{ ref('int_msp_months') }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where has_lines
),

manual_assets as (
    {{ ruling_rows(ref('stg_seeds__msp_manual_assets'), ['manual_asset_id']) | indent(4) }}
),

manual_users as (
    {{ ruling_rows(ref('stg_seeds__msp_manual_users'), ['manual_user_id']) | indent(4) }}
),

manual_things as (
    {% for kind, name, default, backup_bytes in [
        ('asset', 'hostname', 'Workstation', '0'), ('user', 'user_name', 'Paid', 'null'),
    ] %}
        {{ 'union all' if not loop.first }}
        select
            basis,
            bill_month,
            account_number,
            cast('{{ kind }}' as varchar(50)) as kind,
            cast('manual_{{ kind }}s' as varchar(50)) as source,
            manual_{{ kind }}_id as source_id,
            {{ name }} as name,
            coalesce(billing_type, '{{ default }}') as billing_type,
            cast(
                case when billing_type is null then 'default' else 'manual' end as varchar(20)
            ) as type_from,
            custom_cost,
            cast({{ backup_bytes }} as bigint) as backup_bytes
        from manual_{{ kind }}s
    {% endfor %}
),

manual_things_typed as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        manual_things.kind,
        manual_things.source,
        manual_things.source_id,
        manual_things.name,
        manual_things.billing_type,
        manual_things.type_from,
        manual_things.custom_cost,
        manual_things.backup_bytes
    from client_months
    inner join manual_things
        on
            client_months.account_number = manual_things.account_number
            and client_months.basis = manual_things.basis
            and client_months.bill_month = manual_things.bill_month
)

select * from manual_things_typed
