with

months as (
    select * from {{ ref('int_msp_months') }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where has_lines
),

contacts as (
    select * from {{ ref('snap_codex__contacts') }}
    where is_active
),

user_overrides as (
    {{ ruling_rows(
        ref('stg_seeds__msp_user_overrides'), ['account_number', 'user_id']
    ) | indent(4) }}
),

users_typed as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        client_months.is_final,
        cast('user' as varchar(50)) as kind,
        cast('users' as varchar(50)) as source,
        contacts.user_id as source_id,
        contacts.user_name as name,
        coalesce(user_overrides.billing_type, contacts.billing_type, 'Paid') as billing_type,
        cast(case
            when user_overrides.billing_type is not null then 'override'
            when contacts.billing_type is not null then 'payload'
            else 'default'
        end as varchar(20)) as type_from,
        case
            when user_overrides.billing_type is not null then user_overrides.custom_cost
            when contacts.billing_type is not null then contacts.custom_cost
        end as custom_cost,
        cast(null as bigint) as backup_bytes
    from client_months
    inner join contacts
        on
            client_months.account_number = contacts.account_number
            and {{ version_known_at('contacts', 'client_months.as_of_at') }}
    left join user_overrides
        on
            contacts.account_number = user_overrides.account_number
            and contacts.user_id = user_overrides.user_id
            and client_months.basis = user_overrides.basis
            and client_months.bill_month = user_overrides.bill_month
)

select * from users_typed
