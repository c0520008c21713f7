{#- Landed versions with the half-open interval in which each was the newest known one. -#}
{% macro version_intervals(versions) -%}
select
    *,
    loaded_at as known_from,
    coalesce(lead(loaded_at) over (
        partition by tenant, source_key order by loaded_at
    ), {{ open_end() }}) as known_to
from {{ versions }}
{%- endmacro %}
