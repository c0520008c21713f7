{#- SQL for which pipeline run holds the warehouse now, null if none does. Only a run holds this lock
    for longer than a moment. -#}
{% macro running() -%}
(
        select max(activity.application_name || ', since '
            || to_char(activity.backend_start, 'YYYY-MM-DD HH24:MI:SS') || ' UTC')
        from pg_locks as locks
        inner join pg_stat_activity as activity on locks.pid = activity.pid
        where locks.relation = 'landing.run_lock'::regclass and locks.granted
            and locks.mode = 'ShareUpdateExclusiveLock' and locks.pid != pg_backend_pid()
            and locks.database = (select oid from pg_database where datname = current_database())
    )
{%- endmacro %}

{% macro held_message() -%}
A pipeline run holds the warehouse: %. Wait for it to end (`ledgerhouse status`), and start dbt again.
{%- endmacro %}
