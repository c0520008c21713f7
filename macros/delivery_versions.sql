{#- One delivery table's landed versions, in the columns all four share. -#}
{% macro delivery_versions(relation, source_table, lead_type) -%}
select
    tenant,
    source_key,
    load_id,
    cast('{{ source_table }}' as varchar(100)) as source_table,
    cast('{{ lead_type }}' as varchar(50)) as lead_type,
    {{ json_typed('lead_id', 'bigint') }} as lead_id,
    {{ json_typed('mortgage_broker_id', 'bigint') }} as mortgage_broker_id,
    is_deleted,
    {{ json_typed('delivered_at', 'timestamp') }} as delivered_at,
    loaded_at
from {{ relation }}
{%- endmacro %}
