with

sales as (
    select * from {{ ref('int_sales_typed') }}
    where
        is_sold
        and occurred_at is not null
        and lead_id in (select changed.lead_id from {{ ref('int_conversions_changed') }} as changed)
),

{{ known_spans('pair', ['sales']) }},

-- The earliest of those that are paid on conversion (SPEC D4); of an unknown deal type, it may be.
in_order as (
    select
        sales.pair,
        spans.known_from,
        spans.known_to,
        sales.lead_id,
        sales.partner_id,
        sales.entry_key,
        sales.deal_type,
        sales.business_unit,
        sales.lead_type,
        sales.terms_version_id,
        sales.is_paid_on_conversion,
        sales.is_paid_by_call,
        sales.rate_basis,
        sales.rate,
        greatest(1, coalesce(sales.min_seconds, 1)) as min_seconds,
        row_number() over (
            partition by spans.pair, spans.known_from
            order by
                case
                    when sales.is_paid_on_conversion then 0
                    when sales.is_paid_on_conversion is null then 1
                    else 2
                end,
                sales.occurred_at,
                sales.entry_key
        ) as preference
    from spans
    inner join sales on spans.pair = sales.pair and {{ known_at('sales') }}
)

select * from in_order
where preference = 1
