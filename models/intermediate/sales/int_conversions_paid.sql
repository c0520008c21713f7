with

changed as (
    select * from {{ ref('int_conversions_changed') }}
),

sales as (
    select * from {{ ref('int_conversion_sales') }}
),

conversions as (
    select * from {{ ref('int_conversions_reported') }}
    where lead_id in (select changed.lead_id from changed)
),

transfers as (
    select
        paid_by_call.pair,
        transfers_of_leads.*
    from (select distinct
        pair,
        lead_id,
        partner_id
    from sales
    where is_paid_by_call) as paid_by_call
    inner join {{ ref('int_transfers_tied') }} as transfers_of_leads
        on
            paid_by_call.lead_id = transfers_of_leads.lead_id
            and paid_by_call.partner_id = transfers_of_leads.partner_id
),

{{ known_spans('pair', ['sales', 'conversions', 'transfers']) }},

-- The first call that was connected long enough.
transfers_in_spans as (
    select
        transfers.*,
        spans.known_from as span_known_from,
        row_number() over (
            partition by spans.pair, spans.known_from
            order by transfers.started_at, transfers.call_id
        ) as preference
    from spans
    inner join transfers on spans.pair = transfers.pair and {{ known_at('transfers') }}
    inner join sales
        on
            spans.pair = sales.pair
            and transfers.connect_seconds >= sales.min_seconds
            and {{ known_at('sales') }}
),

paid as (
    select
        spans.pair,
        spans.known_from,
        spans.known_to,
        coalesce(sales.lead_id, conversions.lead_id) as lead_id,
        coalesce(sales.partner_id, conversions.partner_id) as partner_id,
        sales.entry_key as sale_entry_key,
        sales.deal_type,
        sales.business_unit,
        sales.lead_type,
        sales.terms_version_id,
        sales.is_paid_on_conversion,
        sales.is_paid_by_call,
        sales.rate_basis,
        sales.rate,
        transfers.call_id as transfer_call_id,
        transfers.transaction_id as transfer_id,
        transfers.load_id as transfer_load_id,
        transfers.started_at as transferred_at,
        conversions.event_id,
        conversions.load_id as event_load_id,
        conversions.sale_amount,
        conversions.occurred_at as converted_at
    from spans
    left join sales on spans.pair = sales.pair and {{ known_at('sales') }}
    left join conversions on spans.pair = conversions.pair and {{ known_at('conversions') }}
    left join transfers_in_spans as transfers
        on
            spans.pair = transfers.pair
            and spans.known_from = transfers.span_known_from
            and transfers.preference = 1
)

select * from paid
