{#- Every folder of this project names its schema. `snapshots` holds state and is never prefixed; the
    rest is, for whoever builds beside the pipeline under another WAREHOUSE_SCHEMA. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none and node.resource_type == 'model' and node.package_name == project_name -%}
        {{ exceptions.raise_compiler_error(node.name ~ " has no schema: add one to dbt_project.yml") }}
    {%- elif custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif target.schema == 'analytics' or custom_schema_name == 'snapshots' -%}
        {{ custom_schema_name }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name }}
    {%- endif -%}
{%- endmacro %}
