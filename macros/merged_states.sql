{#- Parts of state histories -> states: touching parts whose figures are equal become one, which
    keeps its first part's versions (SPEC L2). `figures` is what makes two states equal (L2a,
    `figure_columns`).

    `parts` is a CTE in the deal columns without opened_because and closed_because, with
    `gap_reason`: why the key is without a state after this part, if it is. `exception_ending` is SQL
    for how a state ends that an exception follows; by default that exception. Ends in a CTE
    `states`. -#}
{% macro merged_states(parts, exception_ending=none) -%}
{%- set types = deal_column_types() -%}
{%- set in_order = 'over (partition by entry_key order by known_from)' -%}
signed_parts as (
    select
        *,
        {%- for column in figure_columns() + ['exception_reason'] %}
            {{ "|| '|' || " if not loop.first }}coalesce(
                {{- column if types[column].startswith('varchar') else 'cast(' ~ column ~ ' as varchar(40))' -}}
            , '')
        {%- endfor %} as figures
    from {{ parts }}
),

-- A part alone under its key, as nearly all are, is decided by the first `when`: its figures are
-- never put together.
compared_parts as (
    select
        *,
        lag(known_to) {{ in_order }} as known_to_before,
        lag(coalesce(exception_reason, 'none')) {{ in_order }} as exception_before,
        case
            when lag(known_to) {{ in_order }} is null then 1
            when lag(known_to) {{ in_order }} != known_from then 1
            when lag(figures) {{ in_order }} != figures then 1
            else 0
        end as is_first_of_state,
        case
            when lead(known_from) {{ in_order }} is null then 1
            when lead(known_from) {{ in_order }} != known_to then 1
            when lead(figures) {{ in_order }} != figures then 1
            else 0
        end as is_last_of_state,
        case
            when known_to = {{ open_end() }} then null
            when
                lead(known_from) {{ in_order }} = known_to
                and lead(exception_reason) {{ in_order }} is null
                then 'corrected'
            when lead(known_from) {{ in_order }} = known_to
                then {{ exception_ending or 'lead(exception_reason) ' ~ in_order }}
            else gap_reason
        end as ending
    from signed_parts
),

-- Where a state has several parts, its last one is the row after its first.
outer_parts as (
    select
        *,
        case
            when is_last_of_state = 1 then known_to
            else lead(known_to) {{ in_order }}
        end as state_known_to,
        case
            when is_last_of_state = 1 then ending
            else lead(ending) {{ in_order }}
        end as state_ending,
        max(case when exception_reason is null then 1 else 0 end) over (
            partition by entry_key order by known_from
            rows between unbounded preceding and 1 preceding
        ) as was_booked
    from compared_parts
    where is_first_of_state = 1 or is_last_of_state = 1
),

states as (
    select
        {%- for column in deal_column_names() if not column.endswith('_because') %}
        {{ 'state_known_to as known_to' if column == 'known_to' else column }},
        {%- endfor %}
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
