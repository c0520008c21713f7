-- The mortgage ledger in one statement, straight from the landed payloads, as an expert in Postgres
-- would write it: what `make bench` measures the models against. It knows one deal type only.
create table bench.ledger as
with

price_versions as (
    select
        payload ->> 'product' as product,
        cast(payload ->> 'id' as bigint) as id,
        cast(payload ->> 'price' as numeric) as price,
        cast(payload ->> 'effective_at' as timestamp) as effective_at,
        is_deleted,
        loaded_at as known_from,
        lead(loaded_at, 1, 'infinity') over (partition by source_key order by loaded_at) as known_to
    from landing.billing_db__product_prices
),

live_prices as (
    select * from price_versions
    where not is_deleted and product is not null and effective_at is not null
),

-- Each product's plane of effective and known time, cut at every moment something changes.
price_spans as (
    select
        product,
        effective_from,
        lead(effective_from, 1, 'infinity') over (partition by product order by effective_from)
            as effective_to
    from (
        select product, effective_at as effective_from from live_prices
        union
        select product, cast('-infinity' as timestamp) from live_prices
    ) as edges
),

price_epochs as (
    select
        product,
        known_from,
        lead(known_from, 1, 'infinity') over (partition by product order by known_from) as known_to
    from (
        select product, known_from from live_prices
        union
        select product, known_to from live_prices
        union
        select product, cast('-infinity' as timestamp) from live_prices
    ) as edges
    where known_from < 'infinity'
),

prices as (
    select
        price_spans.*,
        price_epochs.known_from,
        price_epochs.known_to,
        chosen.price,
        chosen.version_id
    from price_spans
    inner join price_epochs using (product)
    left join lateral (
        select
            live_prices.price,
            'product_price:' || live_prices.id || ':'
            || to_char(live_prices.known_from, 'YYYYMMDD"T"HH24MISS"Z"') as version_id
        from live_prices
        where
            live_prices.product = price_spans.product
            and live_prices.effective_at <= price_spans.effective_from
            and live_prices.known_from <= price_epochs.known_from
            and live_prices.known_to > price_epochs.known_from
        order by live_prices.effective_at desc, live_prices.id desc
        limit 1
    ) as chosen on true
),

plan_versions as (
    select
        cast(payload ->> 'mortgage_broker_id' as bigint) as broker,
        cast(payload ->> 'id' as bigint) as id,
        payload ->> 'discount_type' as discount_type,
        cast(payload ->> 'discount_value' as numeric) as discount_value,
        cast(payload ->> 'started_at' as timestamp) as started_at,
        coalesce(cast(payload ->> 'ended_at' as timestamp), 'infinity') as ended_at,
        is_deleted,
        loaded_at as known_from,
        lead(loaded_at, 1, 'infinity') over (partition by source_key order by loaded_at) as known_to
    from landing.billing_db__subscription_plans
),

live_plans as (
    select * from plan_versions
    where not is_deleted and broker is not null and started_at is not null
),

plan_spans as (
    select
        broker,
        effective_from,
        lead(effective_from, 1, 'infinity') over (partition by broker order by effective_from)
            as effective_to
    from (
        select broker, started_at as effective_from from live_plans
        union
        select broker, ended_at from live_plans
        union
        select broker, cast('-infinity' as timestamp) from live_plans
    ) as edges
    where effective_from < 'infinity'
),

plan_epochs as (
    select
        broker,
        known_from,
        lead(known_from, 1, 'infinity') over (partition by broker order by known_from) as known_to
    from (
        select broker, known_from from live_plans
        union
        select broker, known_to from live_plans
        union
        select broker, cast('-infinity' as timestamp) from live_plans
    ) as edges
    where known_from < 'infinity'
),

plans as (
    select
        plan_spans.*,
        plan_epochs.known_from,
        plan_epochs.known_to,
        chosen.discount_type,
        chosen.discount_value,
        chosen.version_id
    from plan_spans
    inner join plan_epochs using (broker)
    left join lateral (
        select
            live_plans.discount_type,
            live_plans.discount_value,
            'mortgage_broker_subscription_plan:' || live_plans.id || ':'
            || to_char(live_plans.known_from, 'YYYYMMDD"T"HH24MISS"Z"') as version_id
        from live_plans
        where
            live_plans.broker = plan_spans.broker
            and live_plans.started_at <= plan_spans.effective_from
            and live_plans.ended_at > plan_spans.effective_from
            and live_plans.known_from <= plan_epochs.known_from
            and live_plans.known_to > plan_epochs.known_from
        order by live_plans.started_at desc, live_plans.id desc
        limit 1
    ) as chosen on true
),

landed as (
    select 'professional' as lead_type, 'mortgage_broker_filter_to_mortgage_lead' as table_name, *
    from landing.billing_db__professional_deliveries
    union all
    select 'construction', 'construction_loan_lead_filter_to_construction_loan_lead', *
    from landing.billing_db__construction_deliveries
    union all
    select 'hard_money', 'hard_money_lead_filter_to_hard_money_lead', *
    from landing.billing_db__hard_money_deliveries
    union all
    select 'land', 'land_lead_filter_to_land_lead', *
    from landing.billing_db__land_deliveries
),

deliveries as (
    select
        lead_type,
        table_name,
        source_key,
        payload ->> 'lead_id' as lead_id,
        cast(payload ->> 'mortgage_broker_id' as bigint) as broker,
        cast(payload ->> 'delivered_at' as timestamp) as delivered_at,
        load_id,
        is_deleted,
        loaded_at,
        lead(loaded_at, 1, 'infinity') over versions as next_loaded_at,
        lead(is_deleted) over versions as is_deleted_next,
        first_value(loaded_at) over versions as first_loaded_at
    from landed
    window versions as (partition by lead_type, source_key order by loaded_at)
),

priced as (
    select
        deliveries.*,
        prices.price,
        prices.version_id as price_version_id,
        plans.discount_type,
        plans.discount_value,
        plans.version_id as terms_version_id,
        round(prices.price, 2) as list_amount,
        greatest(loaded_at, prices.known_from, plans.known_from) as known_from,
        least(next_loaded_at, prices.known_to, plans.known_to) as known_to
    from deliveries
    left join prices
        on
            deliveries.lead_type = prices.product
            and delivered_at >= prices.effective_from
            and delivered_at < prices.effective_to
            and loaded_at < prices.known_to
            and next_loaded_at > prices.known_from
    left join plans
        on
            deliveries.broker = plans.broker
            and delivered_at >= plans.effective_from
            and delivered_at < plans.effective_to
            and greatest(loaded_at, prices.known_from) < plans.known_to
            and least(next_loaded_at, prices.known_to) > plans.known_from
    where
        not is_deleted
        and (
            delivered_at is null
            or delivered_at >= greatest('2025-01-01', first_loaded_at - interval '370 days')
        )
),

judged as (
    select
        *,
        case
            when delivered_at is null then 'no_delivered_at'
            when broker is null then 'no_account'
            when price_version_id is null then 'no_price'
            when price is null or price < 0 then 'bad_price'
            when terms_version_id is null then null
            when discount_type is null or discount_type not in ('percent', 'amount')
                or discount_value is null then 'bad_terms'
        end as exception,
        case
            when terms_version_id is null then 0.00
            when discount_type = 'percent'
                then greatest(0, least(list_amount, round(list_amount * discount_value / 100, 2)))
            else greatest(0, least(list_amount, round(discount_value, 2)))
        end as discount_amount
    from priced
),

compared as (
    select
        *,
        lag(known_to) over parts as known_to_before,
        lag(exception) over parts as exception_before,
        lead(known_from) over parts as known_from_after,
        lead(exception) over parts as exception_after,
        case
            when coalesce(lag(known_to) over parts <> known_from, true) then false
            when lag(exception) over parts is distinct from exception
                or lag(broker) over parts is distinct from broker
                or lag(lead_id) over parts is distinct from lead_id
                or lag(delivered_at) over parts is distinct from delivered_at then false
            when exception is not null then true
            else lag(list_amount) over parts = list_amount
                and lag(discount_amount) over parts = discount_amount
        end as is_continued,
        case
            when coalesce(lead(known_from) over parts <> known_to, true) then false
            when lead(exception) over parts is distinct from exception
                or lead(broker) over parts is distinct from broker
                or lead(lead_id) over parts is distinct from lead_id
                or lead(delivered_at) over parts is distinct from delivered_at then false
            when exception is not null then true
            else lead(list_amount) over parts = list_amount
                and lead(discount_amount) over parts = discount_amount
        end as is_followed
    from judged
    window parts as (partition by lead_type, source_key order by known_from)
),

-- A state's first and last part; without those between, the last one is the first one's next.
ends as (
    select
        *,
        case
            when known_from_after = known_to then coalesce(exception_after, 'corrected')
            when is_deleted_next then 'deleted'
            else 'out_of_scope'
        end as ending
    from compared
    where not (is_continued and is_followed)
),

states as (
    select
        *,
        case when is_followed then lead(known_to) over parts else known_to end as state_known_to,
        case when is_followed then lead(ending) over parts else ending end as state_ending,
        count(*) filter (where exception is null) over (
            partition by lead_type, source_key order by known_from
            rows between unbounded preceding and 1 preceding
        ) as booked_before
    from ends
    window parts as (partition by lead_type, source_key order by known_from)
)

select
    cast(
        'mortgage:' || lead_type || ':' || source_key || ':' || side.letter || ':'
        || to_char(side.recorded_at, 'YYYYMMDD"T"HH24MISS"Z"') as varchar(250)
    ) as entry_id,
    cast('mortgage:' || lead_type || ':' || source_key as varchar(200)) as entry_key,
    cast(side.entry_kind as varchar(10)) as entry_kind,
    cast('mortgage_lead' as varchar(50)) as deal_type,
    cast('leads' as varchar(20)) as business_unit,
    cast('sale' as varchar(20)) as component,
    cast('broker:' || broker as varchar(100)) as account_id,
    cast(lead_id as varchar(100)) as lead_id,
    cast(null as varchar(100)) as call_id,
    cast(lead_type as varchar(50)) as lead_type,
    cast(null as varchar(100)) as campaign_id,
    cast('billing_db' as varchar(50)) as source,
    cast(table_name || ':' || source_key as varchar(200)) as source_key,
    cast(null as varchar(200)) as linked_entry_key,
    load_id,
    side.sign as quantity,
    cast(side.sign * list_amount as numeric(18, 2)) as list_amount,
    cast(side.sign * discount_amount as numeric(18, 2)) as discount_amount,
    cast(side.sign * (list_amount - discount_amount) as numeric(18, 2)) as amount,
    cast('USD' as varchar(3)) as currency,
    cast(price_version_id as varchar(200)) as price_version_id,
    cast(terms_version_id as varchar(200)) as terms_version_id,
    cast(side.reason as varchar(50)) as reason,
    delivered_at as occurred_at,
    side.recorded_at
from states
cross join lateral (
    select
        'booking' as entry_kind,
        'b' as letter,
        1 as sign,
        known_from as recorded_at,
        case
            when booked_before = 0 then 'new'
            when known_to_before = known_from and exception_before is null then 'corrected'
            else 'restored'
        end as reason
    union all
    select
        'reversal',
        'r',
        -1,
        state_known_to,
        state_ending
    where state_known_to < 'infinity'
) as side
where exception is null and not is_continued
