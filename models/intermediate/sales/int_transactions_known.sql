{{ config(unique_key='transaction_key', indexes=[
    {'columns': ['transaction_key']},
    {'columns': ['entry_key']},
    {'columns': ['lead_id']},
    {'columns': ['pair']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

stg_boberdoo__transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

types as (
    select * from {{ ref('int_transaction_types_timeline') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select transaction_key from stg_boberdoo__transactions
        where loaded_at > {{ known }}
        union
        select transactions.transaction_key
        from {{ this }} as transactions
        inner join types on transactions.listed_type = types.transaction_type
        where types.known_from > {{ known }}
    ),
{% endif %}

-- What comes after a version ends it, of whatever type it is: types are looked at later (SPEC L2a).
versions as (
    select
        *,
        coalesce(transaction_type, '(blank)') as listed_type,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by transaction_key order by loaded_at
        ), {{ open_end() }}) as known_to
    from stg_boberdoo__transactions
    {% if is_incremental() %}
        where transaction_key in (select touched.transaction_key from touched)
    {% endif %}
),

transactions as (
    select
        versions.transaction_key,
        cast('boberdoo:' || versions.transaction_key as varchar(200)) as entry_key,
        versions.load_id,
        cast(versions.listed_type as varchar(50)) as listed_type,
        versions.lead_id,
        versions.partner_id,
        -- Sales and refunds of a pair are judged together; of no lead, each is alone.
        cast(
            coalesce(versions.lead_id, 'no lead: ' || versions.transaction_key)
            || '|' || coalesce(versions.partner_id, '') as varchar(700)
        ) as pair,
        versions.filter_set_id,
        versions.lead_type,
        versions.amount,
        versions.currency,
        versions.is_deleted,
        -- The vendor's own two words mean what they say, unless the seed says otherwise.
        cast(case
            when types.counts_as is not null then types.counts_as
            when versions.listed_type = 'purchase' then 'sale'
            when versions.listed_type = 'refund' then 'refund'
            else 'unknown'
        end as varchar(20)) as counts_as,
        versions.occurred_at,
        greatest(versions.known_from, types.known_from) as known_from,
        least(versions.known_to, types.known_to) as known_to
    from versions
    left join types
        on versions.listed_type = types.transaction_type and {{ overlapping('versions', 'types') }}
)

select * from transactions
