-- Once a purchase was known for a call, its payin is out for good (SPEC D10).
with

calls as (
    select call_id from {{ ref('int_calls_read') }}
    where
        kind = 'cbm'
        and call_id in (
            select rejudged.call_id from {{ ref('int_calls_rejudged') }} as rejudged
        )
),

lead_versions as (
    select * from {{ ref('stg_boberdoo__leads') }}
    where call_id is not null
),

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

types as (
    {{ live_versions(ref('stg_seeds__transaction_types')) | indent(4) }}
),

-- When a lead named a call: a blank does not take it back (SPEC R10).
named_calls as (
    select
        lead_id,
        call_id,
        loaded_at as known_from,
        coalesce(
            lead(loaded_at) over (partition by lead_id order by loaded_at), {{ open_end() }}
        ) as known_to
    from lead_versions
    where lead_id in (
        select named.lead_id from lead_versions as named
        inner join calls on named.call_id = calls.call_id
    )
),

known_transactions as (
    select
        transaction_type,
        lead_id,
        is_deleted,
        loaded_at as known_from,
        coalesce(
            lead(loaded_at) over (partition by transaction_key order by loaded_at), {{ open_end() }}
        ) as known_to
    from transactions
    where transaction_key in (
        select bought.transaction_key from transactions as bought
        inner join named_calls on bought.lead_id = named_calls.lead_id
    )
),

calls_bought_read as (
    select distinct named_calls.call_id
    from named_calls
    inner join known_transactions
        on
            named_calls.lead_id = known_transactions.lead_id
            and {{ overlapping('named_calls', 'known_transactions') }}
    left join types
        on coalesce(known_transactions.transaction_type, '(blank)') = types.transaction_type
    where
        not known_transactions.is_deleted
        and {{ counts_as('known_transactions') | indent(8) }} = 'sale'
)

select * from calls_bought_read
