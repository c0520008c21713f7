with

priced as (
    select
        *,
        cast(round(price, 2) as numeric(18, 2)) as list_amount
    from {{ ref('int_mortgage_leads_priced') }}
),

judged as (
    select
        *,
        cast(case
            when delivered_at is null or delivered_at >= {{ open_end() }} then 'no_delivered_at'
            when mortgage_broker_id is null then 'no_account'
            when price_version_id is null then 'no_price'
            when price is null or price < 0 then 'bad_price'
            when terms_version_id is null then null
            -- Blanks at the end count: Redshift would not see them (NOTES C9).
            when coalesce(discount_type, '') || '|' not in ('percent|', 'amount|') then 'bad_terms'
            when discount_value is null then 'bad_terms'
        end as varchar(50)) as exception_reason,
        cast(case
            when terms_version_id is null then 0
            when discount_type = 'percent'
                then round(list_amount * greatest(0, least(discount_value, 100)) / 100, 2)
            else round(discount_value, 2)
        end as numeric(18, 2)) as discount_of_plan
    from priced
),

discounted as (
    select
        *,
        cast(
            case when exception_reason is null then list_amount end as numeric(18, 2)
        ) as booked_list_amount,
        case
            when exception_reason is null then greatest(0, least(discount_of_plan, list_amount))
        end as discount_amount
    from judged
),

parts as (
    select
        cast('mortgage:' || lead_type || ':' || source_key as varchar(200)) as entry_key,
        cast('mortgage_lead' as varchar(50)) as deal_type,
        cast('leads' as varchar(20)) as business_unit,
        cast('sale' as varchar(20)) as component,
        cast('broker:' || cast(mortgage_broker_id as varchar(20)) as varchar(100)) as account_id,
        cast(lead_id as varchar(100)) as lead_id,
        cast(null as varchar(100)) as call_id,
        lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast('billing_db' as varchar(50)) as source,
        cast(source_table || ':' || source_key as varchar(200)) as source_key,
        cast(null as varchar(200)) as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        booked_list_amount as list_amount,
        cast(discount_amount as numeric(18, 2)) as discount_amount,
        cast(booked_list_amount - discount_amount as numeric(18, 2)) as amount,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        price_version_id,
        terms_version_id,
        exception_reason,
        cast(case
            when is_deleted_next then 'deleted' else 'out_of_scope'
        end as varchar(50)) as gap_reason,
        case when delivered_at < {{ open_end() }} then delivered_at end as occurred_at,
        known_from,
        known_to
    from discounted
),

{{ merged_states('parts') }}

select
    {{ deal_columns() }}
from states
