with

changed as (
    select * from {{ ref('int_refunds_changed') }}
),

refunds as (
    select
        *,
        cast(abs(amount) as numeric(18, 2)) as refunded
    from {{ ref('int_transactions_known') }}
    where counts_as = 'refund' and pair in (select changed.pair from changed)
),

sales as (
    select
        *,
        exception_reason = 'unknown_deal_type' as is_of_unknown_type,
        cast(
            case when is_sold and exception_reason is null then amount else 0 end as numeric(18, 2)
        ) as refundable
    from {{ ref('int_sales_typed') }}
    where pair in (select refunds.pair from refunds)
),

{{ known_spans('pair', ['refunds', 'sales']) }},

-- A refund belongs to the latest sale at or before it, un-sold or not (SPEC D3).
possible_sales as (
    select
        spans.known_from,
        spans.known_to,
        refunds.pair,
        refunds.transaction_key,
        refunds.entry_key,
        refunds.partner_id,
        refunds.lead_id,
        refunds.lead_type,
        refunds.load_id,
        refunds.refunded,
        refunds.currency,
        refunds.occurred_at,
        sales.entry_key as sale_entry_key,
        sales.deal_type,
        sales.business_unit,
        sales.call_id,
        sales.terms_version_id,
        sales.refundable,
        coalesce(sales.is_sold and sales.is_of_unknown_type, false) as is_of_unknown_type,
        row_number() over (
            partition by refunds.transaction_key, spans.known_from
            order by
                case when sales.entry_key is null then 1 else 0 end,
                sales.occurred_at desc,
                sales.entry_key desc
        ) as preference
    from spans
    inner join refunds on spans.pair = refunds.pair and {{ known_at('refunds') }}
    left join sales
        on
            spans.pair = sales.pair
            and refunds.lead_id = sales.lead_id
            and refunds.occurred_at >= sales.occurred_at
            and {{ known_at('sales') }}
    where not refunds.is_deleted
)

select * from possible_sales
where preference = 1
