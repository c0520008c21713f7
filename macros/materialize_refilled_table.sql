{#- A table that each build empties and fills again, so that views over it stay: for what is made anew
    at every build and is small, as lists of changed keys and timelines. A column that the table has and
    the SQL has no more is an error; a new one comes with a full refresh, which takes the views along.
    With `--empty` nothing is made, so nothing is forgotten. -#}
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
            {{ refill(relation, sql) }}
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
