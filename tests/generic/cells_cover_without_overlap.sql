{#- The cells of a bitemporal timeline cover both axes once: within each effective span the known
    intervals follow each other from the beginning to the open end. -#}
{% test cells_cover_without_overlap(model, key) %}
with

followed as (
    select
        {{ key }},
        effective_from,
        known_from,
        known_to,
        lag(known_to) over (partition by {{ key }}, effective_from order by known_from)
            as known_to_before,
        lead(known_from) over (partition by {{ key }}, effective_from order by known_from)
            as known_from_after
    from {{ model }}
)

select * from followed
where
    known_from != coalesce(known_to_before, {{ beginning() }})
    or known_to != coalesce(known_from_after, {{ open_end() }})
{% endtest %}
