{#- A table that each build empties and fills again, so that views over it stay: for what is made anew
    at every build and is small, as lists of changed keys and timelines. A column that the table has and
    the SQL has no more is an error; a new one comes with a full refresh, which makes the table as dbt
    makes any, and takes the views along. With `--empty` nothing is made, so nothing is forgotten. -#}
{% materialization refilled_table, default %}
    {% if not table_stays() %}
        {{ return(adapter.dispatch('make_table')()) }}
    {% endif %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {{ 'select 1' if is_empty_run() else refill(this, sql) }}
    {% endcall %}
    {% do persist_docs(this, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{% endmaterialization %}

{% macro default__make_table() %}
    {{ return(dbt.materialization_table_default()) }}
{% endmacro %}

{% macro redshift__make_table() %}
    {{ return(dbt.materialization_table_redshift()) }}
{% endmacro %}
