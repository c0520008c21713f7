-- Converting dispositions against the ledger, by presence (SPEC L16, D4, D7). Which lead one is
-- about is read coarsely: every way there is, and one that accounts for it is enough.
{%- set known = judged_through('int_conversions_accounted') %}
with

dispositions as (
    select * from {{ ref('int_dispositions_read') }}
),

sales as (
    select * from {{ ref('int_sales_read') }}
),

deal_type_versions as (
    select * from {{ ref('stg_seeds__deal_types') }}
),

lead_versions as (
    select * from {{ ref('stg_boberdoo__leads') }}
),

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

buyers as (
    select * from {{ ref('stg_boberdoo__lead_partners') }}
),

calls as (
    select * from {{ ref('int_calls_read') }}
),

entries as (
    select
        *,
        'conversion:' || lead_id || ':' || substring(account_id, 9) as pair_key
    from {{ ref('fct_ledger_entries') }}
    where account_id like 'partner:%' and lead_id is not null
),

exceptions as (
    select * from {{ ref('ledger_exceptions') }}
    where source = 'dispositions' or entry_key like 'conversion:%'
),

new_rules as (
    select partner_id from {{ ref('stg_seeds__deal_terms') }}
    where loaded_at > {{ known }}
    {% for rules in [
        ref('stg_seeds__deal_types'),
        ref('stg_seeds__disposition_map'),
        ref('stg_seeds__disposition_statuses'),
    ] %}
        union
        select '*' as partner_id from {{ rules }}
        where loaded_at > {{ known }}
    {% endfor %}
),

touched as (
    select event_id from {{ ref('stg_dispositions__events') }}
    where loaded_at > {{ known }}
    union
    select dispositions.event_id
    from dispositions
    inner join new_rules on new_rules.partner_id in ('*', dispositions.partner_id)
    {% if is_incremental() %}
        union
        select judged.unit_key
        from {{ this }} as judged
        inner join entries on judged.pair_key = entries.pair_key
        where entries.recorded_at > {{ known }}
        union
        select unit_key from {{ this }}
        where is_held or not is_accounted
    {% endif %}
),

conversions as (
    select
        *,
        is_live and is_converted as is_fact
    from dispositions
    where event_id in (select touched.event_id from touched)
),

{{ disposition_candidates() }},

{{ conversion_reasons() }},

standing as (
    select
        entry_key,
        sum(quantity) as entries
    from entries
    where
        component = 'conversion' and source = 'dispositions'
        and entry_key in (
            select pairs.pair_key from pairs
            union all
            select recorded.entry_key from entries as recorded
            where recorded.recorded_at > {{ known }}
            union all
            select touched.event_id from touched
        )
    group by entry_key
),

judged as (
    select
        pairs.*,
        coalesce(standing.entries, 0) as entries,
        case when exceptions.entry_key is null then 0 else 1 end as holds,
        case
            when reasons.paid_on = 'sale' then 'paid_on_sale'
            when reasons.is_paid_by_call then 'paid_by_call'
            -- A status that may be of this lead explains why nothing is booked or held, no more.
            when
                coalesce(standing.entries, 0) = 0 and exceptions.entry_key is null
                and reasons.is_undone then 'reversed_by_status'
        end as reason
    from pairs
    left join standing on pairs.pair_key = standing.entry_key
    left join exceptions on pairs.pair_key = exceptions.entry_key
    inner join reasons on pairs.event_id = reasons.event_id and pairs.lead_id = reasons.lead_id
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

-- A disposition counts once, whatever place it has; one that is parked has it there.
placed as (
    select
        conversions.*,
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
    from conversions
    left join best on conversions.event_id = best.event_id and best.preference = 1
    left join {{ ref('rpt_parked_dispositions') }} as parked
        on conversions.event_id = parked.event_id
    left join (select distinct source_key from exceptions) as read_badly
        on 'events:' || conversions.event_id = read_badly.source_key
    left join (select distinct call_id from calls) as known_calls
        on conversions.call_id = known_calls.call_id
),

facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        status_at as occurred_at,
        is_fact as is_live,
        case when is_fact then 1 else 0 end as landed,
        case when is_fact and reason is not null then 1 else 0 end as no_money,
        case when is_fact then reason end as no_money_reason
    from placed
    where is_fact
),

-- What stands without a disposition that would make it.
booked_facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        entries as amount,
        entries
    from placed
    where is_fact
    union all
    select
        standing.entry_key as fact_key,
        cast(null as varchar(3)) as currency,
        standing.entries as amount,
        standing.entries
    from standing
    left join (select distinct pair_key from pairs) as pairs on standing.entry_key = pairs.pair_key
    where pairs.pair_key is null
),

held_facts as (
    select
        event_id as fact_key,
        cast(null as varchar(3)) as currency,
        1 as amount,
        is_parked
    from placed
    where is_fact and holds > 0
),

{{ accounted('dispositions', 'conversions', 'select touched.event_id from touched') }},

with_pairs as (
    select
        accounted.*,
        cast(placed.pair_key as varchar(250)) as pair_key
    from accounted
    left join placed on accounted.fact_key = placed.event_id
)

select * from with_pairs
