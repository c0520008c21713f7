with

sales as (
    select * from {{ ref('int_sales_typed') }}
    where is_sold and occurred_at is not null
),

reports as (
    select * from {{ ref('int_conversions_reported') }}
),

transfers_of_leads as (
    select * from {{ ref('int_transfers_tied') }}
),

call_leads as (
    select * from {{ ref('int_call_leads_tied') }}
),

call_rows as (
    select * from {{ ref('int_call_rows_counted') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select lead_id from {{ ref('int_sales_typed') }}
        where {{ changed_since(known) }}
        union
        select lead_id from reports
        where {{ changed_since(known) }}
        union
        select call_leads.lead_id
        from call_leads
        inner join call_rows on call_leads.call_id = call_rows.call_id
        where
            {{ changed_since(known, 'call_leads') }} or {{ changed_since(known, 'call_rows') }}
    ),
{% endif %}

sales_of_pairs as (
    select * from sales
    {% if is_incremental() %}
        where lead_id in (select touched.lead_id from touched)
    {% endif %}
),

conversions as (
    select * from reports
    {% if is_incremental() %}
        where lead_id in (select touched.lead_id from touched)
    {% endif %}
),

transfers as (
    select
        pairs.pair,
        transfers_of_leads.*
    from (select distinct
        pair,
        lead_id,
        partner_id
    from sales_of_pairs
    where is_paid_by_call)
        as pairs
    inner join transfers_of_leads
        on
            pairs.lead_id = transfers_of_leads.lead_id
            and pairs.partner_id = transfers_of_leads.partner_id
),

{{ known_spans('pair', ['sales_of_pairs', 'conversions', 'transfers']) }},

-- A conversion is paid by the terms of the earliest sale that is paid on conversion (SPEC D4).
sales_in_spans as (
    select
        sales_of_pairs.*,
        spans.known_from as judged_from,
        row_number() over (
            partition by spans.pair, spans.known_from
            order by
                case
                    when sales_of_pairs.is_paid_on_conversion then 0
                    when sales_of_pairs.is_paid_on_conversion is null then 1
                    else 2
                end,
                sales_of_pairs.occurred_at,
                sales_of_pairs.entry_key
        ) as sale_preference
    from spans
    inner join sales_of_pairs
        on spans.pair = sales_of_pairs.pair and {{ known_at('sales_of_pairs') }}
),

transfers_in_spans as (
    select
        transfers.*,
        spans.known_from as span_from,
        row_number() over (
            partition by spans.pair, spans.known_from
            order by transfers.started_at, transfers.call_id
        ) as transfer_preference
    from spans
    inner join transfers on spans.pair = transfers.pair and {{ known_at('transfers') }}
    inner join sales_in_spans as sales
        on
            spans.pair = sales.pair
            and spans.known_from = sales.judged_from
            and sales.sale_preference = 1
            and transfers.connect_seconds >= greatest(1, coalesce(sales.min_seconds, 1))
),

judged as (
    select
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
        case when sales.is_paid_by_call then transfers.call_id end as call_id,
        case
            when sales.is_paid_by_call then transfers.load_id
            else conversions.load_id
        end as load_id,
        case
            when sales.is_paid_by_call then 'transactions:' || transfers.transaction_id
            else 'events:' || conversions.event_id
        end as source_key,
        case
            when sales.is_paid_by_call then transfers.started_at
            else conversions.occurred_at
        end as occurred_at,
        conversions.sale_amount
    from spans
    left join sales_in_spans as sales
        on
            spans.pair = sales.pair
            and spans.known_from = sales.judged_from
            and sales.sale_preference = 1
    left join conversions
        on spans.pair = conversions.pair and {{ known_at('conversions') }}
    left join transfers_in_spans as transfers
        on
            spans.pair = transfers.pair
            and spans.known_from = transfers.span_from
            and transfers.transfer_preference = 1
),

-- A partner that bought the lead on other terms only owes nothing for what became of it. Of an
-- unknown deal type nobody can say that yet (SPEC D4a).
converted as (
    select
        *,
        cast(case
            when sale_entry_key is null then 'conversion_without_sale'
            when is_paid_on_conversion is null then 'unknown_deal_type'
            when rate is null then 'no_rate'
            when
                rate_basis is null or rate_basis
                not in ('per_sale', 'per_transfer', 'percent_of_value') then 'bad_terms'
            when rate_basis = 'percent_of_value' and sale_amount is null then 'no_value'
        end as varchar(50)) as exception_reason,
        cast(round(case
            when is_paid_on_conversion is null then null
            when rate_basis in ('per_sale', 'per_transfer') then rate
            when rate_basis = 'percent_of_value' then sale_amount * rate / 100
        end, 2) as numeric(18, 2)) as amount
    from judged
    where
        occurred_at is not null
        and (sale_entry_key is null or coalesce(is_paid_on_conversion, true))
),

parts as (
    select
        cast('conversion:' || lead_id || ':' || partner_id as varchar(200)) as entry_key,
        deal_type,
        business_unit,
        cast('conversion' as varchar(20)) as component,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        lead_id,
        call_id,
        lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast(case
            when is_paid_by_call then 'invoca' else 'dispositions'
        end as varchar(50)) as source,
        cast(source_key as varchar(200)) as source_key,
        sale_entry_key as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        amount as list_amount,
        cast(0 as numeric(18, 2)) as discount_amount,
        amount,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        cast(null as varchar(200)) as price_version_id,
        terms_version_id,
        exception_reason,
        cast('withdrawn' as varchar(50)) as gap_reason,
        occurred_at,
        known_from,
        known_to
    from converted
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
