{{ config(meta={'changes_of': 'int_calls_accounted'}) }}
{%- set known = judged_through('int_calls_accounted') -%}
{%- set judged = last_judged('int_calls_accounted') -%}
with

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

new_call_rows as (
    select transaction_id from call_rows
    where loaded_at > {{ known }}
),

new_campaigns as (
    select campaign_id from {{ ref('stg_seeds__call_campaigns') }}
    where loaded_at > {{ known }}
),

new_transactions as (
    select lead_id from {{ ref('stg_boberdoo__transactions') }}
    where loaded_at > {{ known }}
)

select call_id from call_rows
where transaction_id in (select new_call_rows.transaction_id from new_call_rows)
union
select call_id from call_rows
where campaign_id in (select new_campaigns.campaign_id from new_campaigns)
union
select call_id from {{ ref('int_calls_reread') }}
union
select call_id from {{ ref('fct_ledger_entries') }}
where recorded_at > {{ known }} and component = 'call' and source = 'invoca'
union
select call_id from {{ ref('stg_boberdoo__leads') }}
where
    call_id is not null
    and (
        loaded_at > {{ known }}
        or lead_id in (select new_transactions.lead_id from new_transactions)
    )
{% if judged -%}
    union
    select cast(unit_key as varchar(100)) as call_id from {{ judged }}
    where is_held or not is_accounted
{%- endif %}
