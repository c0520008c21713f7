{#- Which version rules, on two axes: when something is true and when it was known (SPEC L12).

    `versions` is a CTE with timeline_key, version_id, tie_breaker, effective_from, effective_to,
    known_from, known_to (half-open). The result has one row per cell: for its timeline_key, an
    event in [effective_from, effective_to) is ruled by version_id during [known_from, known_to).
    The version with the latest effective_from wins, then the highest tie_breaker; before both, the
    one with the highest `first`, where that column is given. The cells of a
    key cover both axes without a gap; version_id is null where nothing rules. -#}
{% macro bitemporal_timeline(versions, first=none) -%}
effective_points as (
    select timeline_key, {{ beginning() }} as effective_from from {{ versions }}
    union
    select timeline_key, effective_from from {{ versions }}
    union
    select timeline_key, effective_to from {{ versions }} where effective_to < {{ open_end() }}
),

known_points as (
    select timeline_key, {{ beginning() }} as known_from from {{ versions }}
    union
    select timeline_key, known_from from {{ versions }}
    union
    select timeline_key, known_to from {{ versions }} where known_to < {{ open_end() }}
),

candidates as (
    select
        effective_points.timeline_key,
        effective_points.effective_from,
        known_points.known_from,
        versions.version_id,
        row_number() over (
            partition by
                effective_points.timeline_key,
                effective_points.effective_from,
                known_points.known_from
            order by
                case when versions.version_id is null then 1 else 0 end,
                {%- if first %}
                versions.{{ first }} desc,
                {%- endif %}
                versions.effective_from desc,
                versions.tie_breaker desc,
                versions.version_id desc
        ) as preference
    from effective_points
    inner join known_points on effective_points.timeline_key = known_points.timeline_key
    left join {{ versions }} as versions
        on
            effective_points.timeline_key = versions.timeline_key
            and effective_points.effective_from >= versions.effective_from
            and effective_points.effective_from < versions.effective_to
            and known_points.known_from >= versions.known_from
            and known_points.known_from < versions.known_to
),

rulings as (
    select
        timeline_key,
        effective_from,
        known_from,
        version_id,
        lag(coalesce(version_id, 'none')) over (
            partition by timeline_key, effective_from order by known_from
        ) as ruled_before
    from candidates
    where preference = 1
),

changes as (
    select
        timeline_key,
        effective_from,
        known_from,
        version_id,
        coalesce(lead(known_from) over (
            partition by timeline_key, effective_from order by known_from
        ), {{ open_end() }}) as known_to
    from rulings
    where ruled_before is null or ruled_before != coalesce(version_id, 'none')
),

effective_spans as (
    select
        timeline_key,
        effective_from,
        coalesce(lead(effective_from) over (
            partition by timeline_key order by effective_from
        ), {{ open_end() }}) as effective_to
    from effective_points
),

timeline as (
    select
        changes.timeline_key,
        changes.version_id,
        effective_spans.effective_from,
        effective_spans.effective_to,
        changes.known_from,
        changes.known_to
    from changes
    inner join effective_spans
        on
            changes.timeline_key = effective_spans.timeline_key
            and changes.effective_from = effective_spans.effective_from
)
{%- endmacro %}
