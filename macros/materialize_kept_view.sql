{#- A view that Postgres makes again only where its SQL, its contract or what is said of it has
    changed, or where it is gone: a night does not take away what somebody reads, and spares most of
    dbt's work. The mark of what a view was made from is the comment of its rule, written in the
    transaction that made it: somebody who replaces the view leaves a mark that is older than its
    rule. Redshift makes it each time. -#}
{% materialization kept_view, adapter='redshift' %}
    {{ return(dbt.materialization_view_redshift()) }}
{% endmaterialization %}

{% materialization kept_view, adapter='postgres' %}
    {% if load_cached_relation(this) is none %}
        {{ return(make_first_view(this.incorporate(type='view'), sql)) }}
    {% endif %}
    {% call statement('main', fetch_result=True) %}
        select 1
        from pg_rewrite
        inner join pg_description
            on pg_rewrite.oid = pg_description.objoid and pg_rewrite.xmin = pg_description.xmin
        where pg_rewrite.ev_class = to_regclass('{{ this }}')
            and pg_description.classoid = 'pg_rewrite'::regclass
            and pg_description.description = '{{ view_mark(sql) }}'
    {% endcall %}
    {% if should_full_refresh() or not load_result('main').table.rows %}
        {{ return(dbt.materialization_view_default()) }}
    {% endif %}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{#- What dbt's own does, less what it takes to replace a view. -#}
{% macro make_first_view(relation, sql) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}{{ get_create_view_as_sql(relation, sql) }}{% endcall %}
    {% do apply_grants(relation, config.get('grants'), should_revoke=False) %}
    {% do persist_docs(relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{% macro postgres__create_view_as(relation, sql) %}
    {{ dbt.default__create_view_as(relation, sql) }}
    {%- if config.get('materialized') == 'kept_view' %}
    comment on rule "_RETURN" on {{ relation }} is '{{ view_mark(sql) }}';
    {%- endif %}
{% endmacro %}

{#- dbt looks in this project first, where Redshift would find the macro of Postgres. -#}
{% macro redshift__create_view_as(relation, sql) %}
    {{ dbt.redshift__create_view_as(relation, sql) }}
{% endmacro %}

{% macro view_mark(sql) -%}
    {%- set said = [model.description] + model.columns.values() | map(attribute='description') | list -%}
    {{ return(local_md5(
        sql ~ model.contract.checksum ~ (said if config.persist_relation_docs() else '')
    )) }}
{%- endmacro %}
