{#- Stop a build that would append rows made by other vars than those already there (SPEC L6a). -#}
{% macro refuse_changed_definition() -%}
    {%- if execute and is_incremental() -%}
        {%- set found = run_query(
            "select definition from " ~ source('books', 'build_watermarks')
            ~ " where model_name = '" ~ this.identifier ~ "' and schema_name = '" ~ this.schema
            ~ "' order by built_at desc limit 1"
        ) -%}
        {%- set built_with = found.columns[0][0] if found | length else ledger_definition() -%}
        {%- if built_with != ledger_definition() -%}
            {{ exceptions.raise_compiler_error(
                "The ledger was built with " ~ built_with ~ "; this build has "
                ~ ledger_definition() ~ ". Set the vars back, or rebuild with --full-refresh."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
