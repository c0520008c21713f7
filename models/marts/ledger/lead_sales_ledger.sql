with

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where deal_type = 'mortgage_lead' and source = 'billing_db'
),

deliveries as (
    select
        entry_key,
        cast(sum(list_amount) as numeric(18, 2)) as list_price,
        cast(sum(discount_amount) as numeric(18, 2)) as discount,
        cast(sum(amount) as numeric(18, 2)) as billed_amount,
        sum(case when entry_kind = 'reversal' then 1 else 0 end) as times_corrected,
        min(recorded_at) as first_recorded_at,
        max(recorded_at) as last_recorded_at
    from entries
    group by entry_key
    having sum(quantity) = 1
),

billed_deliveries as (
    select
        deliveries.entry_key,
        cast(split_part(deliveries.entry_key, ':', 3) as varchar(100)) as delivery_id,
        bookings.lead_id,
        cast(split_part(bookings.account_id, ':', 2) as varchar(100)) as mortgage_broker_id,
        bookings.lead_type,
        deliveries.list_price,
        deliveries.discount,
        deliveries.billed_amount,
        bookings.currency,
        bookings.price_version_id,
        bookings.terms_version_id,
        cast(deliveries.times_corrected as bigint) as times_corrected,
        bookings.occurred_at as delivered_at,
        deliveries.first_recorded_at
    from deliveries
    inner join entries as bookings
        on
            deliveries.entry_key = bookings.entry_key
            and deliveries.last_recorded_at = bookings.recorded_at
            and bookings.entry_kind = 'booking'
)

select * from billed_deliveries
