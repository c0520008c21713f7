with

calls as (
    select
        *,
        cast(abs(payin) * 100 as bigint) as cents,
        case when payin < 0 then -1 else 1 end as direction
    from {{ ref('int_calls_tied') }}
),

-- Of leads that were sold at the same moment, the later one of the call.
ranked as (
    select
        *,
        row_number() over (
            partition by call_id, known_from
            order by
                case when latest_sale_at is null then 1 else 0 end,
                latest_sale_at desc,
                lead_position desc
        ) as recency_of_sale,
        max(case when policy = 'most_recent_sale' then latest_sale_at end) over (
            partition by call_id, known_from
        ) as sold_last_at
    from calls
),

-- Cents that do not divide go to the earliest leads one by one (SPEC D11).
shared as (
    select
        *,
        case
            when lead_id is null then cents
            when policy = 'first' then case when lead_position = 1 then cents else 0 end
            when policy = 'last' then case when lead_position = leads_of_call then cents else 0 end
            when sold_last_at is not null
                then case when recency_of_sale = 1 then cents else 0 end
            else
                cents / leads_of_call
                + case when lead_position <= mod(cents, leads_of_call) then 1 else 0 end
        end as share_cents
    from ranked
),

booked as (
    select
        *,
        cast(direction * share_cents as numeric(18, 2)) / 100 as amount,
        case
            when business_unit is null then 'unknown_deal_type'
            when payin is null then 'bad_amount'
            when call_id like 'no call: %' then 'no_call'
            when account_id is null then 'no_account'
            when started_at is null then 'no_occurred_at'
        end as exception_reason
    from shared
    where (payin is null or share_cents != 0) and not (kind = 'cbm' and has_purchase)
),

parts as (
    select
        {{ deal_parts({
            'entry_key': "case when kind = 'cbm' then 'cbm:' else 'call:' end
                || call_id || coalesce(':' || lead_id, '')",
            'component': "'call'",
            'source': "'invoca'",
            'source_key': "'transactions:' || transaction_id",
            'amount': 'amount',
            'exception_reason': 'exception_reason',
            'occurred_at': 'started_at',
            'gap_reason': "'withdrawn'",
        }, absent=[
            'lead_type', 'linked_entry_key', 'price_version_id', 'terms_version_id',
        ]) | indent(8) }}
    from booked
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
