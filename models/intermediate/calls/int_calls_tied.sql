with

changed as (
    select * from {{ ref('int_calls_changed') }}
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where
        is_call
        and kind in ('cbm', 'lead_call')
        and call_id in (select changed.call_id from changed)
),

leads_of_calls as (
    select * from {{ ref('int_call_leads_tied') }}
    where call_id in (select calls.call_id from calls)
),

-- Once a purchase was known for a call, its payin is out for good (SPEC D10).
purchased as (
    select
        call_id,
        min(known_from) as known_from,
        {{ open_end() }} as known_to
    from {{ ref('int_call_purchases_known') }}
    where
        call_id in (
            select calls.call_id from calls
            where calls.kind = 'cbm'
        )
    group by call_id
),

sales_of_calls as (
    select * from {{ ref('int_call_sales') }}
),

{{ known_spans('call_id', ['calls', 'leads_of_calls', 'purchased', 'sales_of_calls']) }},

tied as (
    select
        calls.call_id,
        calls.transaction_id,
        calls.load_id,
        calls.kind,
        calls.policy,
        calls.deal_type,
        calls.business_unit,
        calls.account_id,
        calls.campaign_id,
        calls.payin,
        calls.currency,
        calls.started_at,
        leads_of_calls.lead_id,
        leads_of_calls.lead_position,
        leads_of_calls.leads_of_call,
        purchased.call_id is not null as has_purchase,
        sales_of_calls.occurred_at as latest_sale_at,
        spans.known_from,
        spans.known_to,
        row_number() over (
            partition by spans.call_id, spans.known_from, leads_of_calls.lead_id
            order by
                case when sales_of_calls.occurred_at is null then 1 else 0 end,
                sales_of_calls.occurred_at desc
        ) as recency
    from spans
    inner join calls on spans.call_id = calls.call_id and {{ known_at('calls') }}
    left join leads_of_calls
        on
            spans.call_id = leads_of_calls.call_id
            and calls.kind = 'lead_call'
            and calls.payin is not null
            and {{ known_at('leads_of_calls') }}
    left join purchased on spans.call_id = purchased.call_id and {{ known_at('purchased') }}
    left join sales_of_calls
        on
            spans.call_id = sales_of_calls.call_id
            and leads_of_calls.lead_id = sales_of_calls.lead_id
            and calls.started_at >= sales_of_calls.occurred_at
            and {{ known_at('sales_of_calls') }}
)

select * from tied
where recency = 1
