with

leads as (
    select * from {{ ref('int_leads_known') }}
    where call_id is not null
),

sales as (
    select * from {{ ref('int_sales_typed') }}
    where is_sold
),

-- Not what the lead was sold for before it named the call, or after it named another (SPEC D10).
purchases as (
    select
        leads.call_id,
        sales.lead_id,
        sales.transaction_key,
        leads.known_from as lead_known_from,
        sales.known_from as sale_known_from,
        greatest(leads.known_from, sales.known_from) as known_from,
        least(leads.known_to, sales.known_to) as known_to
    from leads
    inner join sales on leads.lead_id = sales.lead_id and {{ overlapping('leads', 'sales') }}
)

select * from purchases
