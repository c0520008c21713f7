{#- Parts of state histories -> states: touching parts whose figures are equal become one, which
    keeps its first part's versions (SPEC L2). `parts` is a CTE in the deal columns without
    opened_because and closed_because, with `gap_reason`: why the key is without a state after this
    part, if it is. Ends in a CTE `states`. -#}
{% macro merged_states(parts) -%}
signed_parts as (
    select
        *,
        coalesce(deal_type, '') || '|' || coalesce(account_id, '') || '|' || coalesce(lead_id, '')
        || '|' || coalesce(call_id, '') || '|' || coalesce(linked_entry_key, '')
        || '|' || coalesce(cast(occurred_at as varchar(40)), '')
        || '|' || coalesce(cast(quantity as varchar(40)), '')
        || '|' || coalesce(cast(list_amount as varchar(40)), '')
        || '|' || coalesce(cast(discount_amount as varchar(40)), '')
        || '|' || coalesce(cast(amount as varchar(40)), '') || '|' || coalesce(currency, '')
        || '|' || coalesce(exception_reason, '') as figures
    from {{ parts }}
),

compared_parts as (
    select
        *,
        lag(known_to) over (partition by entry_key order by known_from) as known_to_before,
        lag(figures) over (partition by entry_key order by known_from) as figures_before,
        lag(coalesce(exception_reason, 'none')) over (
            partition by entry_key order by known_from
        ) as exception_before,
        lead(known_from) over (partition by entry_key order by known_from) as known_from_after,
        lead(figures) over (partition by entry_key order by known_from) as figures_after,
        lead(exception_reason) over (partition by entry_key order by known_from) as exception_after
    from signed_parts
),

marked_parts as (
    select
        *,
        case
            when known_to_before = known_from and figures_before = figures then 0 else 1
        end as is_first_of_state,
        case
            when known_from_after = known_to and figures_after = figures then 0 else 1
        end as is_last_of_state,
        case
            when known_to = {{ open_end() }} then null
            when known_from_after = known_to then coalesce(exception_after, 'corrected')
            else gap_reason
        end as ending
    from compared_parts
),

-- Only windows over one order, no joins: at seven million parts that is half the time. Where a
-- state has several parts, its last one is the row after its first.
outer_parts as (
    select
        *,
        case
            when is_last_of_state = 1 then known_to
            else lead(known_to) over (partition by entry_key order by known_from)
        end as state_known_to,
        case
            when is_last_of_state = 1 then ending
            else lead(ending) over (partition by entry_key order by known_from)
        end as state_ending,
        max(case when exception_reason is null then 1 else 0 end) over (
            partition by entry_key order by known_from
            rows between unbounded preceding and 1 preceding
        ) as was_booked
    from marked_parts
    where is_first_of_state = 1 or is_last_of_state = 1
),

states as (
    select
        {{ deal_columns() | replace('opened_because,\n    closed_because,\n', '') | replace('known_to', 'state_known_to as known_to') }},
        cast(case
            when coalesce(was_booked, 0) = 0 then 'new'
            when known_to_before = known_from and exception_before = 'none' then 'corrected'
            else 'restored'
        end as varchar(20)) as opened_because,
        cast(state_ending as varchar(50)) as closed_because
    from outer_parts
    where is_first_of_state = 1
)
{%- endmacro %}
