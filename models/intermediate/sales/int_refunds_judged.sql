{{ config(unique_key='pair', indexes=[
    {'columns': ['pair']},
    {'columns': ['entry_key']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

refunds as (
    select * from {{ ref('int_refunds_tied') }}
),

in_order as (
    select
        *,
        coalesce(sum(refunded) over (
            partition by sale_entry_key, known_from
            order by occurred_at, transaction_key
            rows between unbounded preceding and 1 preceding
        ), 0) as refunded_before
    from refunds
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

-- What is above the sale is never booked: it is listed beside the part within it.
both_parts as (
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
    union all
    select
        *,
        entry_key || ':excess' as refund_key,
        within_sale - refunded as amount_booked,
        cast('refund_exceeds_sale' as varchar(50)) as exception_reason
    from split
    where refunded > within_sale
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
        known_from,
        known_to
    from both_parts
)

select * from judged
