{#- A model of completeness, named here, as it was last built; none where it is to be built from empty.
    What it left held or not accounted for is judged again, and the list that says so is built before
    it: so it is no `ref`, as with `last_known`. -#}
{% macro last_judged(reader) -%}
    {%- if not execute or should_full_refresh() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ reader] -%}
    {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
{%- endmacro %}
