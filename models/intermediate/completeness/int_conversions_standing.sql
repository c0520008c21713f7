with

keys_to_judge as (
    select pair_key as entry_key from {{ ref('int_conversion_pairs_rejudged') }}
    union
    select unit_key from {{ ref('int_conversions_rejudged') }}
),

standing as (
    select
        entry_key,
        sum(quantity) as entries
    from {{ ref('fct_ledger_entries') }}
    where
        component = 'conversion'
        and source = 'dispositions'
        and account_id like 'partner:%'
        and lead_id is not null
        and entry_key in (select keys_to_judge.entry_key from keys_to_judge)
    group by entry_key
)

select * from standing
