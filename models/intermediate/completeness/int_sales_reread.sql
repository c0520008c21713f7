{{ config(meta={'changes_of': 'int_sales_read'}) }}
{%- set known = judged_through('int_sales_read') -%}
with

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

lead_versions as (
    select * from {{ ref('stg_boberdoo__leads') }}
    where call_id is not null
),

new_call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
    where loaded_at > {{ known }}
),

new_campaigns as (
    select * from {{ ref('stg_seeds__call_campaigns') }}
    where loaded_at > {{ known }}
),

new_terms as (
    select * from {{ ref('stg_seeds__deal_terms') }}
    where loaded_at > {{ known }}
),

new_types as (
    select * from {{ ref('stg_seeds__transaction_types') }}
    where loaded_at > {{ known }}
),

-- A changed campaign may be of any call.
changed_leads as (
    select lead_id from lead_versions
    where
        loaded_at > {{ known }}
        or call_id in (select new_call_rows.call_id from new_call_rows)
        or exists (select new_campaigns.campaign_id from new_campaigns)
)

select transaction_key from transactions
where loaded_at > {{ known }}
union
select transaction_key from transactions
where lead_id in (select changed_leads.lead_id from changed_leads)
union
select transaction_key from transactions
where partner_id in (select new_terms.partner_id from new_terms)
union
select transaction_key from transactions
where coalesce(transaction_type, '(blank)') in (
    select new_types.transaction_type from new_types
)
