with

changed as (
    select * from {{ ref('int_sales_changed') }}
),

sales as (
    select * from {{ ref('int_transactions_known') }}
    where counts_as = 'sale' and transaction_key in (select changed.transaction_key from changed)
),

leads as (
    select * from {{ ref('int_leads_known') }}
    where call_id is not null
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call and kind = 'cbm'
),

-- A lead that came from a call names it; on a CBM campaign that beats the terms (SPEC D10).
cbm_calls as (
    select
        sales.transaction_key,
        sales.lead_id,
        calls.call_id,
        greatest(leads.known_from, calls.known_from) as known_from,
        least(leads.known_to, calls.known_to) as known_to
    from (select distinct
        transaction_key,
        lead_id
    from sales) as sales
    inner join leads on sales.lead_id = leads.lead_id
    inner join calls on leads.call_id = calls.call_id and {{ overlapping('leads', 'calls') }}
),

{{ known_spans('transaction_key', ['sales', 'cbm_calls']) }},

linked as (
    select
        sales.transaction_key,
        sales.entry_key,
        sales.pair,
        sales.load_id,
        sales.lead_id,
        sales.partner_id,
        sales.filter_set_id,
        sales.lead_type,
        cbm_calls.call_id,
        sales.amount,
        sales.currency,
        not sales.is_deleted as is_sold,
        sales.occurred_at,
        spans.known_from,
        spans.known_to
    from spans
    inner join sales on spans.transaction_key = sales.transaction_key and {{ known_at('sales') }}
    left join cbm_calls
        on
            spans.transaction_key = cbm_calls.transaction_key
            and sales.lead_id = cbm_calls.lead_id
            and {{ known_at('cbm_calls') }}
)

select * from linked
