-- Rows of Invoca against the ledger, in money (SPEC L16, D10, D11).
with

calls_read as (
    select * from {{ ref('int_calls_read') }}
),

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

campaigns as (
    select * from {{ ref('stg_seeds__call_campaigns') }}
),

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where component = 'call' and source = 'invoca'
),

exceptions as (
    select * from {{ ref('ledger_exceptions') }}
    where entry_key like 'call:%' or entry_key like 'cbm:%'
),

lead_versions as (
    select * from {{ ref('stg_boberdoo__leads') }}
    where call_id is not null
),

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

{% if is_incremental() %}
    {% set known = judged_through(this.identifier) %}
    touched as (
        select call_id from call_rows
        where
            transaction_id in (
                select landed.transaction_id from call_rows as landed
                where landed.loaded_at > {{ known }}
            )
        union
        select call_rows.call_id
        from call_rows
        inner join campaigns on call_rows.campaign_id = campaigns.campaign_id
        where campaigns.loaded_at > {{ known }}
        union
        select call_id from entries
        where recorded_at > {{ known }}
        union
        select call_id from lead_versions
        where loaded_at > {{ known }}
        union
        select lead_versions.call_id
        from lead_versions
        inner join transactions on lead_versions.lead_id = transactions.lead_id
        where transactions.loaded_at > {{ known }}
        union
        select unit_key from {{ this }}
        where is_held or not is_accounted
    ),
{% endif %}

calls as (
    select * from calls_read
    {% if is_incremental() %}
        where call_id in (select touched.call_id from touched)
    {% endif %}
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
        where calls.kind = 'cbm'
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

types as (
    {{ live_versions(ref('stg_seeds__transaction_types')) | indent(4) }}
),

-- Once a purchase was known for a call, its payin is out for good (SPEC D10).
purchased as (
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
),

explained as (
    select
        calls.*,
        case
            when calls.no_money_reason is not null then calls.no_money_reason
            when calls.kind = 'cbm' and calls.is_counted and purchased.call_id is not null
                then 'purchase_rules'
        end as reason
    from calls
    left join purchased on calls.call_id = purchased.call_id
),

facts as (
    select
        call_id,
        case when is_counted then call_id else call_id || '/' || transaction_id end as fact_key,
        currency,
        started_at as occurred_at,
        is_live,
        reason as no_money_reason,
        case when is_live then coalesce(payin, 0) else 0 end as landed,
        case when is_live and reason is not null then coalesce(payin, 0) else 0 end as no_money
    from explained
),

booked_facts as (
    select
        call_id,
        call_id as fact_key,
        currency,
        sum(amount) as amount,
        sum(quantity) as entries
    from entries
    {% if is_incremental() %}
        where call_id in (select touched.call_id from touched)
    {% endif %}
    group by call_id, currency
),

held_facts as (
    select
        call_id,
        call_id as fact_key,
        currency,
        coalesce(amount, 0) as amount,
        false as is_parked
    from exceptions
    {% if is_incremental() %}
        where call_id in (select touched.call_id from touched)
    {% endif %}
),

{{ accounted('invoca', 'transactions', 'select touched.call_id from touched', unit='call_id') }}

select * from accounted
