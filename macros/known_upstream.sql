{#- The known time through which everything that a node is made of was built: what is landed, or
    less where a model upstream was built before the last landing. -#}
{% macro known_upstream(node_id) -%}
(
    select min(known_through) from (
        select coalesce(max(loaded_at), {{ beginning() }}) as known_through
        from {{ source('books', 'load_runs') }}
        where status in ('completed', 'partial')
        {%- set keepers = watermark_keepers(node_id) if execute else [] %}
        {%- if keepers %}
        union all
        select max(known_through) as known_through
        from {{ source('books', 'build_watermarks') }}
        where {{ keepers | join(' or ') }}
        group by model_name
        {%- endif %}
    ) as watermarks
)
{%- endmacro %}
