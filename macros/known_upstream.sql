{#- The known time through which everything that this node is made of was built: what is landed, or
    less where a model or snapshot upstream was built before the last landing. A snapshot that
    follows one landing (`snapshot_through`) knows no more; one that was never made knows nothing.
    `keepers` are the node's `watermark_keepers`, where they are at hand. -#}
{% macro known_upstream(keepers=none) -%}
(
    select min(known_through) from (
        select {{ known_now(is_followed=execute and model.resource_type == 'snapshot') }} as known_through
        {%- if keepers is none %}
            {%- set keepers = watermark_keepers(model.unique_id) if execute else [] %}
        {%- endif %}
        {%- for keeper in keepers if keeper.is_snapshot %}
        union all
        select coalesce(max(known_through), {{ beginning() }}) as known_through
        from {{ build_watermarks() }}
        where {{ keeper.rows }}
        {%- endfor %}
        {%- set models = keepers | rejectattr('is_snapshot') | map(attribute='rows') | join(' or ') %}
        {%- if models %}
        union all
        select max(known_through) as known_through
        from {{ build_watermarks() }}
        where {{ models }}
        group by model_name
        {%- endif %}
    ) as watermarks
)
{%- endmacro %}
