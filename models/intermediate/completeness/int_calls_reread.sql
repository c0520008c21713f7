{{ config(meta={'changes_of': 'int_calls_read'}) }}
{%- set known = judged_through('int_calls_read') -%}
{%- set read_before = last_judged('int_calls_read') -%}
{%- set corrections = ref('int_call_corrections_read') -%}
-- All calls that a row has ever been one of: it may have moved.
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
)

select call_id from call_rows
where transaction_id in (select new_call_rows.transaction_id from new_call_rows)
union
select call_id from call_rows
where campaign_id in (select new_campaigns.campaign_id from new_campaigns)
{% if read_before -%}
    union
    select read_before.call_id
    from {{ corrections }} as corrections
    inner join {{ read_before }} as read_before
        on corrections.transaction_id = read_before.transaction_id
    where
        corrections.root_id != read_before.root_id
        or corrections.is_replaced != read_before.is_replaced
{%- endif %}
