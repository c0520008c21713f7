{#- In the transaction of every step that writes: go on only while this dbt has the turn, and keep
    others from taking it until the step is committed (SPEC R8). -#}
{% macro keep_turn() -%}
    {{ return(adapter.dispatch('keep_turn')()) }}
{%- endmacro %}

{% macro default__keep_turn() -%}
{%- set run = env_var('LEDGERHOUSE_RUN', '') if execute else '1' -%}
{%- if run != '1' -%}
do $$
declare
    other varchar;
begin
    {%- if not run %}
    other := {{ running() }};
    if other is not null then
        raise exception '{{ held_message() }}', other;
    end if;
    {%- endif %}
    perform 1 from landing.run_lock
    where schema_name = '{{ target.schema }}' and token = '{{ run or invocation_id }}' for share;
    if not found then
        select holder into other from landing.run_lock where schema_name = '{{ target.schema }}';
        raise exception 'Since this dbt began, another has had the warehouse: %. Start it again.', other;
    end if;
end
$$;
{%- endif -%}
{%- endmacro %}

{% macro redshift__keep_turn() -%}{%- endmacro %}
