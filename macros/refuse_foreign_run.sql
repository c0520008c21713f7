{#- A build from a shell waits for nobody: it stops while a pipeline run holds the warehouse (R8).
    The run's own builds say so with LEDGERHOUSE_RUN. -#}
{% macro refuse_foreign_run() -%}
    {{ return(adapter.dispatch('refuse_foreign_run')()) }}
{%- endmacro %}

{% macro default__refuse_foreign_run() -%}
    {%- if execute and not env_var('LEDGERHOUSE_RUN', '') and flags.WHICH in ('build', 'run', 'snapshot') -%}
        {%- set holders = run_query(
            "select count(*) from pg_locks where locktype = 'advisory' and objid = 4127001"
            " and database = (select oid from pg_database where datname = current_database())"
        ) -%}
        {%- if holders.columns[0][0] > 0 -%}
            {{ exceptions.raise_compiler_error(
                "A pipeline run holds the warehouse. Wait for it to end (`ledgerhouse status`)."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro redshift__refuse_foreign_run() -%}{%- endmacro %}
