with

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call and kind in ('cbm', 'lead_call')
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

sales as (
    select * from {{ ref('int_sales_typed') }}
),

purchases as (
    select * from {{ ref('int_call_purchases_known') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select call_id from {{ ref('int_call_rows_counted') }}
        where {{ changed_since(known) }}
        union
        select call_id from call_leads
        where {{ changed_since(known) }}
        union
        select call_leads.call_id
        from call_leads
        inner join sales on call_leads.lead_id = sales.lead_id
        where {{ changed_since(known, 'sales') }}
        union
        select call_id from purchases
        where lead_known_from > {{ known }}
        union
        select call_id from purchases
        where sale_known_from > {{ known }}
    ),
{% endif %}

calls_to_state as (
    select * from calls
    {% if is_incremental() %}
        where call_id in (select touched.call_id from touched)
    {% endif %}
),

leads_of_calls as (
    select * from call_leads
    where call_id in (select calls_to_state.call_id from calls_to_state)
),

-- Once a purchase was known for a call, its payin is out for good (SPEC D10).
purchased as (
    select
        call_id,
        min(known_from) as known_from,
        {{ open_end() }} as known_to
    from purchases
    where
        call_id in (
            select calls_to_state.call_id from calls_to_state
            where calls_to_state.kind = 'cbm'
        )
    group by call_id
),

sales_of_calls as (
    select distinct
        leads_of_calls.call_id,
        sales.lead_id,
        sales.occurred_at,
        sales.known_from,
        sales.known_to
    from leads_of_calls
    inner join sales on leads_of_calls.lead_id = sales.lead_id
    where
        sales.is_sold
        and leads_of_calls.call_id in (
            select calls_to_state.call_id from calls_to_state
            where calls_to_state.policy = 'most_recent_sale'
        )
),

{{ known_spans('call_id', ['calls_to_state', 'leads_of_calls', 'purchased', 'sales_of_calls']) }},

calls_in_spans as (
    select
        calls_to_state.*,
        spans.known_from as span_from,
        spans.known_to as span_to,
        leads_of_calls.lead_id,
        leads_of_calls.lead_position,
        leads_of_calls.leads_of_call,
        purchased.call_id is not null as has_purchase
    from spans
    inner join calls_to_state
        on spans.call_id = calls_to_state.call_id and {{ known_at('calls_to_state') }}
    left join leads_of_calls
        on
            spans.call_id = leads_of_calls.call_id
            and calls_to_state.kind = 'lead_call'
            and calls_to_state.payin is not null
            and {{ known_at('leads_of_calls') }}
    left join purchased
        on spans.call_id = purchased.call_id and {{ known_at('purchased') }}
),

latest_sales as (
    select
        spans.call_id,
        spans.span_from,
        spans.lead_id,
        row_number() over (
            partition by spans.call_id, spans.span_from
            order by sales_of_calls.occurred_at desc, spans.lead_position desc
        ) as recency
    from calls_in_spans as spans
    inner join sales_of_calls
        on
            spans.call_id = sales_of_calls.call_id
            and spans.lead_id = sales_of_calls.lead_id
            and spans.span_from >= sales_of_calls.known_from
            and spans.span_from < sales_of_calls.known_to
            and spans.started_at >= sales_of_calls.occurred_at
    where spans.policy = 'most_recent_sale'
),

with_policy as (
    select
        spans.*,
        latest_sales.lead_id as latest_sale_lead_id,
        cast(abs(spans.payin) * 100 as bigint) as cents,
        case when spans.payin < 0 then -1 else 1 end as direction
    from calls_in_spans as spans
    left join latest_sales
        on
            spans.call_id = latest_sales.call_id
            and spans.span_from = latest_sales.span_from
            and latest_sales.recency = 1
),

-- Cents that do not divide go to the earliest leads one by one (SPEC D11).
shared as (
    select
        *,
        case
            when lead_id is null then cents
            when policy = 'first' then case when lead_position = 1 then cents else 0 end
            when policy = 'last' then case when lead_position = leads_of_call then cents else 0 end
            when latest_sale_lead_id is not null
                then case when lead_id = latest_sale_lead_id then cents else 0 end
            else
                cents / leads_of_call
                + case when lead_position <= mod(cents, leads_of_call) then 1 else 0 end
        end as share_cents
    from with_policy
),

parts as (
    select
        cast(
            case when kind = 'cbm' then 'cbm:' else 'call:' end
            || call_id || coalesce(':' || lead_id, '') as varchar(200)
        ) as entry_key,
        deal_type,
        business_unit,
        cast('call' as varchar(20)) as component,
        account_id,
        lead_id,
        call_id,
        cast(null as varchar(50)) as lead_type,
        campaign_id,
        cast('invoca' as varchar(50)) as source,
        cast('transactions:' || transaction_id as varchar(200)) as source_key,
        cast(null as varchar(200)) as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        cast(cast(direction * share_cents as numeric(18, 2)) / 100 as numeric(18, 2))
            as list_amount,
        cast(0 as numeric(18, 2)) as discount_amount,
        cast(cast(direction * share_cents as numeric(18, 2)) / 100 as numeric(18, 2)) as amount,
        currency,
        cast(null as varchar(200)) as price_version_id,
        cast(null as varchar(200)) as terms_version_id,
        cast(case
            when business_unit is null then 'unknown_deal_type'
            when payin is null then 'bad_amount'
            when call_id like 'no call: %' then 'no_call'
            when account_id is null then 'no_account'
            when started_at is null then 'no_occurred_at'
        end as varchar(50)) as exception_reason,
        cast('withdrawn' as varchar(50)) as gap_reason,
        started_at as occurred_at,
        span_from as known_from,
        span_to as known_to
    from shared
    where (payin is null or share_cents != 0) and not (kind = 'cbm' and has_purchase)
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
