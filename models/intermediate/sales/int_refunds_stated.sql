with

stg_boberdoo__transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
    where transaction_type in ('purchase', 'refund')
),

sales as (
    select
        *,
        coalesce(lead_id, '') || '|' || coalesce(partner_id, '') as pair,
        case when is_sold and exception_reason is null then amount else 0 end as refundable
    from {{ ref('int_sales_typed') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select lead_id from stg_boberdoo__transactions
        where loaded_at > {{ known }} and transaction_type = 'refund'
        union
        select lead_id from sales
        where {{ changed_since(known) }}
    ),
{% endif %}

refunds as (
    select
        transactions.*,
        abs(transactions.amount) as refunded,
        coalesce(transactions.lead_id, '') || '|' || coalesce(transactions.partner_id, '') as pair,
        transactions.loaded_at as known_from,
        coalesce(lead(transactions.loaded_at) over (
            partition by transactions.transaction_key order by transactions.loaded_at
        ), {{ open_end() }}) as known_to
    from stg_boberdoo__transactions as transactions
    where
        transactions.transaction_type = 'refund'
        {% if is_incremental() %}
            and (
                transactions.lead_id is null
                or transactions.lead_id in (select touched.lead_id from touched)
            )
        {% endif %}
),

sales_of_pairs as (
    select sales.*
    from sales
    inner join (
        select distinct
            pair,
            lead_id
        from refunds
    ) as pairs
        on sales.lead_id = pairs.lead_id and sales.pair = pairs.pair
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

split as (
    select
        *,
        case
            when sale_entry_key is null then refunded
            else greatest(0, least(refunded, refundable - refunded_before))
        end as within_sale
    from in_order
),

booked as (
    select
        *,
        cast('boberdoo:' || transaction_key as varchar(200)) as entry_key,
        -within_sale as amount_booked,
        cast(case
            when refunded is null then 'bad_amount'
            when sale_entry_key is null then 'refund_without_sale'
        end as varchar(50)) as exception_reason
    from split
    where refunded is null or within_sale > 0
),

-- What is above the sale is never booked: it is listed beside the part within it.
exceeding as (
    select
        *,
        cast('boberdoo:' || transaction_key || ':excess' as varchar(200)) as entry_key,
        within_sale - refunded as amount_booked,
        cast('refund_exceeds_sale' as varchar(50)) as exception_reason
    from split
    where refunded > within_sale
),

judged as (
    select * from booked
    union all
    select * from exceeding
),

parts as (
    select
        entry_key,
        deal_type,
        business_unit,
        cast('refund' as varchar(20)) as component,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        lead_id,
        call_id,
        lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast('boberdoo' as varchar(50)) as source,
        cast('transactions:' || transaction_key as varchar(200)) as source_key,
        sale_entry_key as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        cast(amount_booked as numeric(18, 2)) as list_amount,
        cast(0 as numeric(18, 2)) as discount_amount,
        cast(amount_booked as numeric(18, 2)) as amount,
        currency,
        cast(null as varchar(200)) as price_version_id,
        terms_version_id,
        exception_reason,
        cast('withdrawn' as varchar(50)) as gap_reason,
        occurred_at,
        span_from as known_from,
        span_to as known_to
    from judged
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
