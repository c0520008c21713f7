{{ config(meta={'changes_of': 'int_transactions_accounted'}) }}
{%- set known = judged_through('int_transactions_accounted') -%}
{%- set judged = last_judged('int_transactions_accounted') -%}
with

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

new_types as (
    select transaction_type from {{ ref('stg_seeds__transaction_types') }}
    where loaded_at > {{ known }}
)

select transaction_key from transactions
where loaded_at > {{ known }}
union
select transaction_key from transactions
where
    coalesce(transaction_type, '(blank)') in (select new_types.transaction_type from new_types)
union
select cast(substring(entry_key, 10) as varchar(500)) as transaction_key
from {{ ref('fct_ledger_entries') }}
where recorded_at > {{ known }} and entry_key like 'boberdoo:%'
{% if judged -%}
    union
    select cast(unit_key as varchar(500)) as transaction_key from {{ judged }}
    where is_held or not is_accounted
{%- endif %}
