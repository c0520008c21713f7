{#- A condition that keeps a test's cost with what is new (SPEC L9): what was recorded within
    `test_days` of the newest entry, and everything that is not published yet, so that a failing
    entry cannot grow old and slip through (SPEC O4). The var `whole_history` tests all. -#}
{% macro recorded_lately(column='recorded_at') -%}
    {%- set entries = ref('fct_ledger_entries') -%}
    {%- if var('whole_history') or not execute -%}
        true
    {%- else -%}
        {%- set query -%}
            select coalesce(
                least(
                    (select {{ dbt.dateadd('day', -1 * var('test_days'), 'max(recorded_at)') }} from {{ entries }}),
                    (
                        select coalesce(max(known_through), {{ beginning() }})
                        from {{ source('books', 'publications') }}
                        where schema_name = '{{ target.schema }}'
                    )
                ),
                {{ beginning() }}
            )
        {%- endset -%}
        {%- set found = run_query(query) -%}
        {{ column }} > cast('{{ found.columns[0][0] }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
