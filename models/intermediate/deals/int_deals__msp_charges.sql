-- A closed month's line is booked when the month closes and never changes (SPEC M13): one state.
with

charges as (
    select * from {{ ref('fct_msp_charges') }}
    where
        is_closed
        {% if is_incremental() %}
            and known_at > {{ watermark(this) }}
        {% endif %}
),

states as (
    select
        charge_id as entry_key,
        cast('msp_charge' as varchar(50)) as deal_type,
        cast('msp' as varchar(20)) as business_unit,
        cast('charge' as varchar(20)) as component,
        cast('msp:' || account_number as varchar(100)) as account_id,
        cast(null as varchar(100)) as lead_id,
        cast(null as varchar(100)) as call_id,
        cast(null as varchar(50)) as lead_type,
        cast(null as varchar(100)) as campaign_id,
        cast('codex' as varchar(50)) as source,
        cast(source || coalesce(':' || source_id, '') as varchar(200)) as source_key,
        cast(null as varchar(200)) as linked_entry_key,
        load_id,
        cast(1 as integer) as quantity,
        amount as list_amount,
        cast(0 as numeric(18, 2)) as discount_amount,
        amount,
        currency,
        price_version_id,
        terms_version_id,
        cast(null as varchar(50)) as exception_reason,
        cast('new' as varchar(20)) as opened_because,
        cast(null as varchar(50)) as closed_because,
        cast(last_day as timestamp) as occurred_at,
        known_at as known_from,
        {{ open_end() }} as known_to
    from charges
)

select
    {{ deal_columns() }}
from states
