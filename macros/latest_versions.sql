{#- The newest landed version of every key, as a snapshot wants it; with the var
    `snapshot_through`, as known then (`ledgerhouse replay-snapshots`). -#}
{% macro latest_versions(versions) -%}
select versions.*
from {{ versions }} as versions
inner join (
    select
        tenant,
        source_key,
        max(loaded_at) as loaded_at
    from {{ versions }}
    {% if var('snapshot_through') %}
        where loaded_at <= cast('{{ var("snapshot_through") }}' as timestamp)
    {% endif %}
    group by tenant, source_key
) as latest
    on
        versions.tenant = latest.tenant
        and versions.source_key = latest.source_key
        and versions.loaded_at = latest.loaded_at
{%- endmacro %}
