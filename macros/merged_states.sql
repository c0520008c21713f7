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
        lag(figures) over (partition by entry_key order by known_from) as figures_before
    from signed_parts
),

numbered_parts as (
    select
        *,
        sum(case when known_to_before = known_from and figures_before = figures then 0 else 1 end)
            over (partition by entry_key order by known_from rows unbounded preceding)
            as state_number
    from compared_parts
),

state_ends as (
    select
        entry_key,
        state_number,
        max(known_from) as last_part_from,
        max(known_to) as known_to
    from numbered_parts
    group by entry_key, state_number
),

unexplained_states as (
    select
        first_parts.*,
        last_parts.gap_reason as ending,
        state_ends.known_to as state_known_to,
        lag(state_ends.known_to) over (
            partition by first_parts.entry_key order by first_parts.known_from
        ) as state_known_to_before,
        lag(coalesce(first_parts.exception_reason, 'none')) over (
            partition by first_parts.entry_key order by first_parts.known_from
        ) as exception_before,
        lead(first_parts.known_from) over (
            partition by first_parts.entry_key order by first_parts.known_from
        ) as state_known_from_after,
        lead(first_parts.exception_reason) over (
            partition by first_parts.entry_key order by first_parts.known_from
        ) as exception_after,
        max(case when first_parts.exception_reason is null then 1 else 0 end) over (
            partition by first_parts.entry_key order by first_parts.known_from
            rows between unbounded preceding and 1 preceding
        ) as was_booked
    from numbered_parts as first_parts
    inner join state_ends
        on
            first_parts.entry_key = state_ends.entry_key
            and first_parts.state_number = state_ends.state_number
    inner join numbered_parts as last_parts
        on
            state_ends.entry_key = last_parts.entry_key
            and state_ends.last_part_from = last_parts.known_from
    where first_parts.known_to_before is null
        or first_parts.known_to_before != first_parts.known_from
        or first_parts.figures_before != first_parts.figures
),

states as (
    select
        {{ deal_columns() | replace('opened_because,\n    closed_because,\n', '') | replace('known_to', 'state_known_to as known_to') }},
        cast(case
            when coalesce(was_booked, 0) = 0 then 'new'
            when state_known_to_before = known_from and exception_before = 'none' then 'corrected'
            else 'restored'
        end as varchar(20)) as opened_because,
        cast(case
            when state_known_to = {{ open_end() }} then null
            when state_known_from_after = state_known_to
                then coalesce(exception_after, 'corrected')
            else ending
        end as varchar(50)) as closed_because
    from unexplained_states
)
{%- endmacro %}
