{#- The known time, as a literal, through which the model that reads these changed keys was last built:
    from the beginning where it is to be built from empty. Its watermark counts, not one of the keys'
    own: what it has not judged yet stays listed (docs/architecture.md, What changed). -#}
{% macro last_known(reader) -%}
    {%- if not execute or should_full_refresh() -%}
        {{ return(beginning()) }}
    {%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ reader] -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {{ return(watermark(relation) | trim if relation else beginning()) }}
{%- endmacro %}
