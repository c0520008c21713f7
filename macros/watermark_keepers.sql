{#- The nearest models and snapshots upstream of a node that remember a watermark (`meta:
    {keeps_watermark: true}`): for each its name, whether it is a snapshot, whose changed keys it
    lists, and its rows of build_watermarks as an SQL condition. Views on the way keep none. -#}
{% macro watermark_keepers(node_id) -%}
    {%- set keepers = [] -%}
    {%- for parent_id in graph.nodes[node_id].depends_on.nodes if parent_id in graph.nodes -%}
        {%- set parent = graph.nodes[parent_id] -%}
        {%- set meta = parent.config.get('meta', {}) -%}
        {%- if meta.get('keeps_watermark') -%}
            {%- do keepers.append({
                'name': parent.name,
                'is_snapshot': parent.resource_type == 'snapshot',
                'changes_of': meta.get('changes_of'),
                'rows': "(model_name = '" ~ parent.alias ~ "' and schema_name = '" ~ parent.schema ~ "')",
            }) -%}
        {%- else -%}
            {%- do keepers.extend(watermark_keepers(parent_id)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keepers | unique(attribute='rows') | list) }}
{%- endmacro %}
