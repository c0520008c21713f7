{#- The nearest models and snapshots upstream of a node that remember a watermark: for each, whether it
    is a snapshot, and its rows of build_watermarks as an SQL condition. Views on the way keep none. -#}
{% macro watermark_keepers(node_id) -%}
    {%- set keepers = [] -%}
    {%- for parent_id in graph.nodes[node_id].depends_on.nodes if parent_id in graph.nodes -%}
        {%- set parent = graph.nodes[parent_id] -%}
        {%- if 'remember_watermark' in parent.config['pre-hook'] | string -%}
            {%- do keepers.append({
                'is_snapshot': parent.resource_type == 'snapshot',
                'rows': "(model_name = '" ~ parent.alias ~ "' and schema_name = '" ~ parent.schema ~ "')",
            }) -%}
        {%- else -%}
            {%- do keepers.extend(watermark_keepers(parent_id)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(keepers | unique(attribute='rows') | list) }}
{%- endmacro %}
