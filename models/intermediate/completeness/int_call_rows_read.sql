-- Of campaigns the one that rules at the call's start, the latest effective one.
with

reread as (
    select * from {{ ref('int_calls_reread') }}
),

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

versions as (
    select
        *,
        row_number() over (partition by transaction_id order by loaded_at desc) as recency
    from call_rows
    where transaction_id in (
        select of_calls.transaction_id from call_rows as of_calls
        inner join reread on of_calls.call_id = reread.call_id
    )
),

corrections as (
    select * from {{ ref('int_call_corrections_read') }}
),

campaigns as (
    {{ live_versions(ref('stg_seeds__call_campaigns')) | indent(4) }}
),

with_campaigns as (
    select
        versions.*,
        coalesce(corrections.root_id, versions.transaction_id) as root_id,
        coalesce(corrections.is_replaced, false) as is_replaced,
        campaigns.kind,
        campaigns.partner_id,
        coalesce(lower(versions.transaction_type) = 'call', false) as is_call_row,
        row_number() over (
            partition by versions.transaction_id
            order by
                coalesce(campaigns.effective_from, {{ beginning() }}) desc,
                campaigns.source_key desc
        ) as preference
    from versions
    left join corrections on versions.transaction_id = corrections.transaction_id
    left join campaigns
        on
            versions.campaign_id = campaigns.campaign_id
            and lower(versions.transaction_type) = 'call'
            and not versions.is_deleted
            and versions.started_at >= coalesce(campaigns.effective_from, {{ beginning() }})
            and versions.started_at < coalesce(campaigns.effective_to, {{ open_end() }})
    where
        versions.recency = 1
        and versions.call_id in (select reread.call_id from reread)
),

call_rows_read as (
    select
        call_id,
        transaction_id,
        root_id,
        is_replaced,
        phone,
        lead_ids,
        connect_seconds,
        payin,
        cast(coalesce(currency, '{{ var("currency") }}') as varchar(3)) as currency,
        kind,
        partner_id,
        is_call_row,
        is_deleted,
        started_at
    from with_campaigns
    where preference = 1
)

select * from call_rows_read
