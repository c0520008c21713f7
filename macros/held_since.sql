{#- The states of a history that are held for a reason, each with `since` when it has been without a
    break. What is held for another reason is held anew. -#}
{% macro held_since(history, key, reason) -%}
select
    *,
    max(case when is_start then known_from end) over (
        partition by {{ key }} order by known_from rows unbounded preceding
    ) as since
from (
    select
        *,
        coalesce(
            lag(known_to) over (partition by {{ key }} order by known_from) != known_from
            or lag({{ reason }}) over (partition by {{ key }} order by known_from) != {{ reason }},
            true
        ) as is_start
    from {{ history }}
    where {{ reason }} is not null
) as held
{%- endmacro %}
