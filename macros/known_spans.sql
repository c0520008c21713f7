{#- The spans of known time in which nothing that touches a unit changes: a rule that rests on
    several facts is judged once in each, from the facts known at its start (SPEC L2).

    `histories` are CTEs with the columns `unit`, known_from and known_to. Ends in a CTE `spans`. -#}
{% macro known_spans(unit, histories) -%}
known_points as (
    {%- for history in histories %}
    {{ 'union' if not loop.first }}
    select {{ unit }}, known_from as known_at from {{ history }}
    union
    select {{ unit }}, known_to as known_at from {{ history }}
    {%- endfor %}
),

spans as (
    select
        {{ unit }},
        known_at as known_from,
        coalesce(
            lead(known_at) over (partition by {{ unit }} order by known_at), {{ open_end() }}
        ) as known_to
    from known_points
    where known_at < {{ open_end() }}
)
{%- endmacro %}
