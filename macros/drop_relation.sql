{#- Drop a relation and the views over it, one drop at a time: two that reach the same views by other
    ways would each wait for the other. Only the owner of the books may take this lock. -#}
{% macro postgres__drop_relation(relation) %}
    {% call statement('drop_relation', auto_begin=False) %}
        lock table landing.books_versions in share update exclusive mode;
        {{ get_drop_sql(relation) }}
    {% endcall %}
{% endmacro %}

{#- dbt looks in this project first, where Redshift would find the macro of Postgres. -#}
{% macro redshift__drop_relation(relation) %}
    {{ dbt.default__drop_relation(relation) }}
{% endmacro %}
