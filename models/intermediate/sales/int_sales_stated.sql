with

sales as (
    select * from {{ ref('int_sales_typed') }}
),

sales_to_state as (
    select * from sales
    {% if is_incremental() %}
        where transaction_key in (
            select changed.transaction_key from sales as changed
            where {{ changed_since(watermark(this), 'changed') }}
        )
    {% endif %}
),

parts as (
    select
        entry_key,
        deal_type,
        business_unit,
        cast('sale' as varchar(20)) as component,
        cast('partner:' || partner_id as varchar(100)) as account_id,
        lead_id,
        call_id,
        lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast('boberdoo' as varchar(50)) as source,
        cast('transactions:' || transaction_key as varchar(200)) as source_key,
        cast(null as varchar(200)) as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        amount as list_amount,
        cast(0 as numeric(18, 2)) as discount_amount,
        amount,
        currency,
        cast(null as varchar(200)) as price_version_id,
        terms_version_id,
        exception_reason,
        cast('withdrawn' as varchar(50)) as gap_reason,
        occurred_at,
        known_from,
        known_to
    from sales_to_state
    where is_sold
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
