{#- The condition that a hand-kept row rules a month: known then, and effective at the month's last
    instant (NOTES C6). Its dates are half-open, blank is open. -#}
{% macro rules_in_month(rows, months) -%}
{{ version_known_at(rows, months ~ '.known_at') }}
            and coalesce({{ rows }}.effective_from, cast('0001-01-01' as date)) <= {{ months }}.last_day
            and coalesce({{ rows }}.effective_to, cast('9999-12-31' as date)) > {{ months }}.last_day
{%- endmacro %}
