{#- Whether this build looks for what a restatement switches: it is whole, and there was one. A constant,
    so that all other builds pay nothing for it. -#}
{% macro is_switching() -%}
    {%- if not execute -%}
        true
    {%- elif is_incremental() -%}
        false
    {%- else -%}
        {%- set found = run_query(newest_restatement()) -%}
        {{ 'true' if found.columns[1][0].year > 1 else 'false' }}
    {%- endif -%}
{%- endmacro %}
