{#- Postgres makes a view again only where its SQL or its contract has changed, or where it is gone:
    a night does not take away what somebody reads, and spares most of dbt's work. A view's comment
    is the mark of what it was made from; both are of one transaction, until somebody replaces it. -#}
{% materialization view, adapter='postgres' %}
    {% call statement('main', fetch_result=True) %}
        select 1
        from pg_description
        inner join pg_rewrite
            on pg_description.objoid = pg_rewrite.ev_class and pg_description.xmin = pg_rewrite.xmin
        where pg_description.objoid = to_regclass('{{ this }}')
            and pg_description.classoid = 'pg_class'::regclass
            and pg_description.objsubid = 0
            and pg_description.description = '{{ view_mark(sql) }}'
    {% endcall %}
    {% if should_full_refresh() or not load_result('main').table.rows %}
        {{ return(dbt.materialization_view_default()) }}
    {% endif %}
    {{ return({'relations': [this.incorporate(type='view')]}) }}
{% endmaterialization %}

{% macro postgres__create_view_as(relation, sql) %}
    {{ dbt.default__create_view_as(relation, sql) }}
    comment on view {{ relation }} is '{{ view_mark(sql) }}';
{% endmacro %}

{% macro view_mark(sql) -%}
    {{ return(local_md5(sql ~ model.contract.checksum)) }}
{%- endmacro %}
