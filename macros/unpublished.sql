{#- A condition on landed rows that keeps a test's cost with what is new (SPEC L9): landed after what
    analysts read now. The var `whole_history` tests all. -#}
{% macro unpublished(column) -%}
    {%- if var('whole_history') or not execute -%}
        true
    {%- else -%}
        {%- set found = run_query(
            "select coalesce(max(known_through), " ~ beginning() ~ ") from "
            ~ source('books', 'publications') ~ " where schema_name = '" ~ target.schema ~ "'"
        ) -%}
        {{ column }} > cast('{{ found.columns[0][0] }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
