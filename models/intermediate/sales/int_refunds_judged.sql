{{ config(unique_key='pair', indexes=[
    {'columns': ['pair']},
    {'columns': ['entry_key']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

transactions as (
    select * from {{ ref('int_transactions_known') }}
),

sales as (
    select
        *,
        exception_reason = 'unknown_deal_type' as is_of_unknown_type,
        case when is_sold and exception_reason is null then amount else 0 end as refundable
    from {{ ref('int_sales_typed') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    -- Where a fact was before it moved is judged again, too: its last version there has ended.
    touched as (
        select pair from transactions
        where {{ changed_since(known) }}
        union
        select pair from sales
        where {{ changed_since(known) }}
    ),
{% endif %}

refunds as (
    select
        *,
        abs(amount) as refunded
    from transactions
    where
        counts_as = 'refund'
        {% if is_incremental() %}
            and pair in (select touched.pair from touched)
        {% endif %}
),

sales_of_pairs as (
    select * from sales
    where pair in (select refunds.pair from refunds)
),

{{ known_spans('pair', ['refunds', 'sales_of_pairs']) }},

-- A refund belongs to the latest sale at or before it, un-sold or not (SPEC D3).
with_sale as (
    select
        refunds.*,
        sales.entry_key as sale_entry_key,
        sales.deal_type,
        sales.business_unit,
        sales.call_id,
        sales.terms_version_id,
        sales.refundable,
        coalesce(sales.is_sold and sales.is_of_unknown_type, false) as is_of_unknown_type,
        spans.known_from as span_from,
        spans.known_to as span_to,
        row_number() over (
            partition by refunds.transaction_key, spans.known_from
            order by
                case when sales.entry_key is null then 1 else 0 end,
                sales.occurred_at desc,
                sales.entry_key desc
        ) as sale_preference
    from spans
    inner join refunds on spans.pair = refunds.pair and {{ known_at('refunds') }}
    left join sales_of_pairs as sales
        on
            spans.pair = sales.pair
            and refunds.lead_id = sales.lead_id
            and refunds.occurred_at >= sales.occurred_at
            and {{ known_at('sales') }}
    where not refunds.is_deleted
),

in_order as (
    select
        *,
        coalesce(sum(refunded) over (
            partition by sale_entry_key, span_from
            order by occurred_at, transaction_key
            rows between unbounded preceding and 1 preceding
        ), 0) as refunded_before
    from with_sale
    where sale_preference = 1
),

-- Nothing says yet how a sale of an unknown deal type is booked: its refunds wait with it, whole.
split as (
    select
        *,
        case
            when refunded is null or sale_entry_key is null or is_of_unknown_type then refunded
            else greatest(0, least(refunded, refundable - refunded_before))
        end as within_sale
    from in_order
),

booked as (
    select
        *,
        entry_key as refund_key,
        -within_sale as amount_booked,
        cast(case
            when refunded is null then 'bad_amount'
            when sale_entry_key is null then 'refund_without_sale'
            when is_of_unknown_type then 'unknown_deal_type'
        end as varchar(50)) as exception_reason
    from split
    where refunded is null or within_sale > 0
),

-- What is above the sale is never booked: it is listed beside the part within it.
exceeding as (
    select
        *,
        entry_key || ':excess' as refund_key,
        within_sale - refunded as amount_booked,
        cast('refund_exceeds_sale' as varchar(50)) as exception_reason
    from split
    where refunded > within_sale
),

both_parts as (
    select * from booked
    union all
    select * from exceeding
),

judged as (
    select
        pair,
        transaction_key,
        cast(refund_key as varchar(200)) as entry_key,
        deal_type,
        business_unit,
        partner_id,
        lead_id,
        call_id,
        lead_type,
        sale_entry_key,
        load_id,
        cast(amount_booked as numeric(18, 2)) as amount,
        currency,
        terms_version_id,
        exception_reason,
        occurred_at,
        span_from as known_from,
        span_to as known_to
    from both_parts
)

select * from judged
