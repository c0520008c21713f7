{#- Snapshots are state that all schemas share: who builds by hand under another WAREHOUSE_SCHEMA than
    the one that analysts read takes them as the pipeline has left them. -#}
{% materialization snapshot, default %}
    {% if env_var('LEDGERHOUSE_RUN', '') or target.schema == 'analytics' %}
        {{ return(dbt.materialization_snapshot_default()) }}
    {% endif %}
    {% set relation = load_relation(this) %}
    {% if relation is none %}
        {{ exceptions.raise_compiler_error(
            this ~ " is not there. Only the pipeline makes it: run `ledgerhouse sync` first."
        ) }}
    {% endif %}
    {% call noop_statement('main', 'READ, NOT RUN') %}{% endcall %}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}
