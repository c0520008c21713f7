with

changed as (
    select * from {{ ref('int_calls_changed') }}
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where
        is_call
        and kind = 'lead_call'
        and policy = 'most_recent_sale'
        and call_id in (select changed.call_id from changed)
),

leads_of_calls as (
    select * from {{ ref('int_call_leads_tied') }}
    where call_id in (select calls.call_id from calls)
),

sold as (
    select distinct
        leads_of_calls.call_id,
        sales.lead_id,
        sales.occurred_at,
        sales.known_from,
        sales.known_to
    from leads_of_calls
    inner join {{ ref('int_sales_typed') }} as sales on leads_of_calls.lead_id = sales.lead_id
    where sales.is_sold
)

select * from sold
