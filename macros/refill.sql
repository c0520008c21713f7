{#- Empty a table and fill it again, column by name. -#}
{% macro refill(relation, sql) -%}
    {{ return(adapter.dispatch('refill')(relation, sql)) }}
{%- endmacro %}

{% macro default__refill(relation, sql) -%}
    {%- set columns = get_quoted_csv(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
    delete from {{ relation }};
    insert into {{ relation }} ({{ columns }})
    select {{ columns }} from (
        {{ sql }}
    ) as made
{%- endmacro %}

{#- Redshift knows no recursion in a subquery. -#}
{% macro redshift__refill(relation, sql) -%}
    {%- set columns = get_quoted_csv(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
    {%- set made = make_temp_relation(relation) -%}
    {%- do run_query(create_table_as(True, made, sql)) -%}
    delete from {{ relation }};
    insert into {{ relation }} ({{ columns }})
    select {{ columns }} from {{ made }}
{%- endmacro %}
