with

states as (
    select * from {{ ref('int_deals_unioned') }}
),

exception_parts as (
    select
        *,
        case
            when
                lag(known_to) over (partition by entry_key order by known_from) = known_from
                and lag(exception_reason) over (partition by entry_key order by known_from)
                = exception_reason
                then 0
            else 1
        end as is_start
    from states
    where exception_reason is not null
),

runs as (
    select
        *,
        sum(is_start) over (
            partition by entry_key order by known_from rows unbounded preceding
        ) as run_number
    from exception_parts
),

runs_since as (
    select
        *,
        min(known_from) over (partition by entry_key, run_number) as since
    from runs
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
    from runs_since
    where known_to = {{ open_end() }}
)

select * from open_exceptions
