-- A disposition counts once, whatever place it has; one that is parked has it there. Of the leads
-- it may be about, one that accounts for it is enough.
with

pairs as (
    select * from {{ ref('int_conversion_pairs_rejudged') }}
),

exceptions as (
    select * from {{ ref('ledger_exceptions') }}
    where source = 'dispositions' or entry_key like 'conversion:%'
),

judged as (
    select
        pairs.event_id,
        pairs.lead_id,
        pairs.pair_key,
        coalesce(standing.entries, 0) as entries,
        case when exceptions.entry_key is null then 0 else 1 end as holds,
        case
            when bought.paid_on = 'sale' then 'paid_on_sale'
            when bought.is_paid_by_call then 'paid_by_call'
            -- A status that may be of this lead explains why nothing is booked or held, no more.
            when
                coalesce(standing.entries, 0) = 0 and exceptions.entry_key is null
                and undone.event_id is not null then 'reversed_by_status'
        end as reason
    from pairs
    left join {{ ref('int_conversions_standing') }} as standing
        on pairs.pair_key = standing.entry_key
    left join exceptions on pairs.pair_key = exceptions.entry_key
    left join {{ ref('int_conversions_bought_read') }} as bought
        on pairs.event_id = bought.event_id and pairs.lead_id = bought.lead_id
    left join {{ ref('int_conversions_undone_read') }} as undone
        on pairs.event_id = undone.event_id and pairs.lead_id = undone.lead_id
),

best as (
    select
        *,
        row_number() over (
            partition by event_id
            order by
                abs(entries + holds + case when reason is null then 0 else 1 end - 1) asc,
                entries desc, lead_id asc
        ) as preference
    from judged
),

placed as (
    select
        conversions.event_id,
        conversions.status_at,
        best.pair_key,
        parked.event_id is not null as is_parked,
        case when parked.event_id is null then best.entries else 0 end as entries,
        case
            when coalesce(parked.event_id, read_badly.source_key) is not null then 1
            else coalesce(best.holds, 0)
        end as holds,
        case
            when parked.event_id is not null then null
            when best.event_id is not null then best.reason
            when known_calls.call_id is not null then 'call_without_lead'
        end as reason
    from {{ ref('int_dispositions_read') }} as conversions
    left join best on conversions.event_id = best.event_id and best.preference = 1
    left join {{ ref('rpt_parked_dispositions') }} as parked
        on conversions.event_id = parked.event_id
    left join (select distinct source_key from exceptions) as read_badly
        on 'events:' || conversions.event_id = read_badly.source_key
    left join (select distinct call_id from {{ ref('int_calls_read') }}) as known_calls
        on conversions.call_id = known_calls.call_id
    where
        conversions.is_live
        and conversions.is_converted
        and conversions.event_id in (
            select rejudged.unit_key from {{ ref('int_conversions_rejudged') }} as rejudged
        )
)

select * from placed
