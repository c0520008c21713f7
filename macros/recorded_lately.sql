{#- A condition that keeps a test's cost with what is new (SPEC L9): what was recorded within
    `test_days` of the newest entry. The var `whole_history` (set by `ledgerhouse build`) tests all. -#}
{% macro recorded_lately(column='recorded_at') -%}
    {%- set entries = ref('fct_ledger_entries') -%}
    {%- if var('whole_history') or not execute -%}
        true
    {%- else -%}
        {%- set found = run_query(
            "select coalesce(" ~ dbt.dateadd('day', -1 * var('test_days'), 'max(recorded_at)') ~ ", "
            ~ beginning() ~ ") from " ~ entries
        ) -%}
        {{ column }} >= cast('{{ found.columns[0][0] }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
