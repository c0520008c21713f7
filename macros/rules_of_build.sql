{#- By which rules a model or a snapshot is built now: the pipeline's hash of them (SPEC L17), `by hand`
    where dbt was started by hand, `mixed` where rows are added to those of other rules. `before` is its
    `last_build` where it is added to. -#}
{% macro rules_of_build(before) -%}
    {%- set is_pipeline = execute and env_var('LEDGERHOUSE_RUN', '') -%}
    {%- set rules = env_var('LEDGERHOUSE_RULES', '') if is_pipeline else 'by hand' -%}
    {{ return('mixed' if before and before.rules != rules else rules) }}
{%- endmacro %}
