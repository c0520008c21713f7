with

states as (
    select * from {{ ref('int_deals_unioned') }}
),

exceptions as (
    {{ held_since('states', 'entry_key', 'exception_reason') | indent(4) }}
),

open_exceptions as (
    select
        -- What a refund is above its sale is listed under the refund (SPEC D3).
        cast(replace(entry_key, ':excess', '') as varchar(200)) as entry_key,
        deal_type,
        business_unit,
        exception_reason as reason,
        account_id,
        lead_id,
        call_id,
        source,
        source_key,
        load_id,
        amount,
        currency,
        occurred_at,
        since
    from exceptions
    where known_to = {{ open_end() }}
),

-- What kept something out of a closed MSP bill stays: its repair is a late change (SPEC M13).
msp_exceptions as (
    select
        cast(exception_id as varchar(200)) as entry_key,
        cast('msp_charge' as varchar(50)) as deal_type,
        cast('msp' as varchar(20)) as business_unit,
        cast(reason as varchar(50)) as reason,
        cast('msp:' || account_number as varchar(100)) as account_id,
        cast(null as varchar(100)) as lead_id,
        cast(null as varchar(100)) as call_id,
        cast('codex' as varchar(50)) as source,
        cast(source || ':' || source_id as varchar(200)) as source_key,
        cast(null as bigint) as load_id,
        cast(null as numeric(18, 2)) as amount,
        cast('{{ var("currency") }}' as varchar(3)) as currency,
        cast(last_day as timestamp) as occurred_at,
        since
    from {{ ref('int_msp_exceptions') }}
    where is_closed or bill_month is null
),

all_exceptions as (
    select * from open_exceptions
    union all
    select * from msp_exceptions
)

select * from all_exceptions
