{#- The known time through which a model was last built, as a literal; only for incremental runs. -#}
{% macro watermark(model) -%}
    {%- set query -%}
        select coalesce(max(known_through), {{ beginning() }}) from {{ build_watermarks() }}
        where model_name = '{{ model.identifier }}' and schema_name = '{{ model.schema }}'
    {%- endset -%}
    {%- set found = run_query(query) if execute else none -%}
    cast('{{ found.columns[0][0] if found else "0001-01-01" }}' as timestamp)
{%- endmacro %}
