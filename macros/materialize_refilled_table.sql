{#- A table that each build empties and fills again, so that views over it stay: for what is made anew
    at every build and is small, as lists of changed keys. What dbt's own `incremental` does besides (a
    temporary table, whose columns are compared with those of the table) it does not need. With
    `--empty` nothing is made, so nothing is forgotten. -#}
{% materialization refilled_table, default %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set before = load_cached_relation(this) -%}
    {%- set stays = table_stays() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if before and not stays %}
        {% do adapter.drop_relation(before) %}
    {% endif %}
    {% call statement('main') %}
        {% if not stays %}
            {{ get_create_table_as_sql(False, relation, sql) }}
        {% elif is_empty_run() %}
            select 1
        {% else %}
            delete from {{ relation }};
            insert into {{ relation }} {{ sql }}
        {% endif %}
    {% endcall %}
    {% if not stays %}
        {% do create_indexes(relation) %}
    {% endif %}
    {% do persist_docs(relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
