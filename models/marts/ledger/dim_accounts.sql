with

ledger_months as (
    select * from {{ ref('int_ledger_months') }}
),

invoice_accounts as (
    {{ version_intervals(ref('stg_seeds__invoice_accounts')) }}
),

partners as (
    select
        *,
        row_number() over (partition by partner_id order by loaded_at desc) as recency
    from {{ ref('stg_boberdoo__partners') }}
),

clients as (
    select * from {{ ref('snap_codex__companies') }}
    where known_to = {{ open_end() }}
),

calls as (
    select * from {{ ref('stg_invoca__transactions') }}
),

advertisers as (
    select
        advertiser_id,
        advertiser_name,
        row_number() over (
            partition by advertiser_id order by loaded_at desc, advertiser_name asc
        ) as recency
    from calls
    where advertiser_name is not null
),

names as (
    select
        cast('partner:' || partner_id as varchar(100)) as account_id,
        partner_name as account_name
    from partners
    where recency = 1
    union all
    select
        cast('msp:' || account_number as varchar(100)) as account_id,
        client_name as account_name
    from clients
    union all
    select
        cast('advertiser:' || advertiser_id as varchar(100)) as account_id,
        advertiser_name as account_name
    from advertisers
    where recency = 1
),

billed as (
    select
        account_id,
        min(first_occurred_at) as first_billed_at,
        max(last_occurred_at) as last_billed_at
    from ledger_months
    where account_id is not null
    group by account_id
),

accounts as (
    select account_id from billed
    union
    select account_id from invoice_accounts
    where known_to = {{ open_end() }} and not is_deleted and account_id is not null
),

named as (
    select
        accounts.account_id,
        cast(split_part(accounts.account_id, ':', 1) as varchar(50)) as account_kind,
        cast(names.account_name as varchar(500)) as account_name,
        billed.first_billed_at,
        billed.last_billed_at
    from accounts
    left join names on accounts.account_id = names.account_id
    left join billed on accounts.account_id = billed.account_id
)

select * from named
