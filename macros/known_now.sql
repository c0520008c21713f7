{#- The known time through which everything is known: the last landing's or, where that is later, the
    last restatement's or close's (SPEC L18, L20). `is_followed` is for a snapshot, which may follow one
    landing (`snapshot_through`), and then knows no more. -#}
{% macro known_now(is_followed=false) -%}
{%- set through = var('snapshot_through') if is_followed else '' -%}
(
    select coalesce(max(known_at), {{ beginning() }}) from (
        select loaded_at as known_at
        from {{ source('books', 'load_runs') }}
        where status in ('completed', 'partial')
        union all
        select restated_at as known_at
        from {{ source('books', 'restatements') }}
        union all
        select closed_at as known_at
        from {{ source('books', 'period_closes') }}
    ) as moments
    {%- if through %}
    where known_at <= cast('{{ through }}' as timestamp)
    {%- endif %}
)
{%- endmacro %}
