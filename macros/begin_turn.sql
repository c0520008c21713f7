{#- At dbt's start: a dbt started by hand takes the warehouse's turn for its schema, unless a pipeline
    run holds the warehouse or another dbt writes just now (SPEC R8). Whoever had the turn before
    is refused at its next step (`keep_turn`). The pipeline's own dbt has LEDGERHOUSE_RUN. -#}
{% macro begin_turn() -%}
    {{ return(adapter.dispatch('begin_turn')()) }}
{%- endmacro %}

{% macro default__begin_turn() -%}
{%- set only_read = ['clean', 'compile', 'debug', 'deps', 'docs', 'freshness', 'generate', 'list',
    'parse', 'show', 'source', 'test'] -%}
{%- if execute and not env_var('LEDGERHOUSE_RUN', '') and flags.WHICH not in only_read -%}
begin;
do $$
declare
    other varchar;
begin
    {%- if server_mark() %}
    if current_setting('cluster_name') like 'ledgerhouse %'
        and current_setting('cluster_name') != '{{ server_mark() }}' then
        raise exception 'The server on port {{ target.port }} is the embedded Postgres of another checkout. Set WAREHOUSE_PORT: `eval "$(ledgerhouse env)"`.';
    end if;
    {%- endif %}
    lock table landing.run_lock in share update exclusive mode nowait;
    perform 1 from landing.run_lock where schema_name = '{{ target.schema }}' for update nowait;
    insert into landing.run_lock (schema_name, token, holder, taken_at)
    values (
        '{{ target.schema }}',
        '{{ invocation_id }}',
        'dbt {{ flags.WHICH }} by hand, as ' || session_user,
        clock_timestamp()
    )
    on conflict (schema_name) do update
    set token = excluded.token, holder = excluded.holder, taken_at = excluded.taken_at;
exception
    when lock_not_available then
        other := {{ running() }};
        if other is not null then
            raise exception '{{ held_message() }}', other;
        end if;
        select holder || ', since ' || to_char(taken_at, 'YYYY-MM-DD HH24:MI:SS') into other
        from landing.run_lock where schema_name = '{{ target.schema }}';
        raise exception 'Another dbt is writing to the warehouse: % UTC. Wait for it to end.', other;
    when undefined_table or invalid_schema_name then
        raise exception 'The warehouse has not all of its books yet: run `ledgerhouse sync` first.';
end
$$;
commit
{%- endif -%}
{%- endmacro %}

{% macro redshift__begin_turn() -%}{%- endmacro %}
