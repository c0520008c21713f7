{#- Empty a table and fill it again, column by name. -#}
{% macro refill(relation, sql) -%}
    {%- set columns = get_quoted_csv(adapter.get_columns_in_relation(relation) | map(attribute='name')) -%}
    {%- set rows = adapter.dispatch('rows_to_refill')(relation, sql) -%}
    delete from {{ relation }};
    insert into {{ relation }} ({{ columns }})
    select {{ columns }} from {{ rows }}
{%- endmacro %}

{#- What a refilled table is filled from. Redshift knows no recursion in a subquery: a table there. -#}
{% macro default__rows_to_refill(relation, sql) -%}
    (
        {{ sql }}
    ) as made
{%- endmacro %}

{% macro redshift__rows_to_refill(relation, sql) -%}
    {%- set made = make_temp_relation(relation) -%}
    {%- do run_query(create_table_as(True, made, sql)) -%}
    {{ made }}
{%- endmacro %}
