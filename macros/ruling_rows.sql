{#- The rows of a hand-kept seed that rule each month of `months`: known then, and effective at the
    month's last instant (NOTES C6), one a key: of two, the one with the latest effective_from, then
    the later key (SPEC R12). Dates are half-open, blank is open. -#}
{% macro ruling_rows(seed, key, months='months') -%}
select *
from (
    select
        {{ months }}.basis,
        {{ months }}.bill_month,
        versions.*,
        row_number() over (
            partition by
                {{ months }}.basis,
                {{ months }}.bill_month,
                versions.{{ key | join(', versions.') }}
            order by
                coalesce(versions.effective_from, cast('0001-01-01' as date)) desc,
                versions.source_key desc
        ) as preference
    from {{ months }}
    inner join (
        {{ version_intervals(seed) | indent(8) }}
    ) as versions
        on
            {{ version_known_at('versions', months ~ '.known_at') }}
            and coalesce(versions.effective_from, cast('0001-01-01' as date)) <= {{ months }}.last_day
            and coalesce(versions.effective_to, cast('9999-12-31' as date)) > {{ months }}.last_day
) as ranked_rows
where preference = 1
{%- endmacro %}
