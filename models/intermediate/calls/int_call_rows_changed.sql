{{ config(meta={'changes_of': 'int_call_rows_counted'}) }}
{%- set known = last_known('int_call_rows_counted') -%}
{%- set counted_before = last_judged('int_call_rows_counted') -%}
{%- set campaigns = ref('int_call_campaigns_timeline') -%}
{%- set deal_types = ref('int_deal_types_timeline') -%}
-- All calls that a row has ever been one of: one that it left is counted again, too.
with

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

changed_rows as (
    select transaction_id from call_rows
    where loaded_at > {{ known }}
    union
    select transaction_id from {{ ref('int_call_rows_replaced') }}
    where {{ changed_since(known) }}
)

select distinct call_id from call_rows
where transaction_id in (select changed_rows.transaction_id from changed_rows)
{% if counted_before -%}
    union
    select counted.call_id
    from {{ counted_before }} as counted
    inner join {{ campaigns }} as campaigns on counted.campaign_id = campaigns.campaign_id
    where campaigns.known_from > {{ known }}
    union
    select counted.call_id
    from {{ counted_before }} as counted
    inner join {{ deal_types }} as deal_types on counted.deal_type = deal_types.deal_type
    where deal_types.known_from > {{ known }}
{%- endif %}
