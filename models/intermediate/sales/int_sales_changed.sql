{{ config(meta={'changes_of': 'int_sales_typed'}) }}
{%- set known = last_known('int_sales_typed') -%}
with

transactions as (
    select * from {{ ref('int_transactions_known') }}
),

leads as (
    select * from {{ ref('int_leads_known') }}
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call and {{ changed_since(known) }}
),

terms as (
    select * from {{ ref('int_deal_terms_timeline') }}
    where known_from > {{ known }}
),

deal_types as (
    select * from {{ ref('int_deal_types_timeline') }}
    where known_from > {{ known }}
),

changed_leads as (
    select lead_id from leads
    where {{ changed_since(known) }}
    union
    select leads.lead_id
    from leads
    inner join calls on leads.call_id = calls.call_id
)

select transaction_key from transactions
where {{ changed_since(known) }}
union
select transactions.transaction_key
from transactions
inner join changed_leads on transactions.lead_id = changed_leads.lead_id
{%- for filter_set in ["coalesce(transactions.filter_set_id, '')", "''"] %}
    union
    select transactions.transaction_key
    from transactions
    inner join terms
        on
            transactions.partner_id || '|' || {{ filter_set }} = terms.terms_key
            and transactions.occurred_at >= terms.effective_from
            and transactions.occurred_at < terms.effective_to
{%- endfor %}
-- What a deal type is paid on changes seldom: then every sale is judged again.
union
select transaction_key from transactions
where exists (select deal_types.deal_type from deal_types)
