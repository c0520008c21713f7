{#- The condition that a model computed month by month has this row still to compute: the month is
    open, or closed since the last build (SPEC L9). Closed months stay as they were computed. -#}
{% macro is_month_due(is_final='is_final') -%}
    {%- if is_incremental() and execute -%}
        {%- set found = run_query("select max(bill_month) from " ~ this ~ " where " ~ is_final) -%}
        {%- set last_month = found.columns[0][0] -%}
    {%- endif -%}
    {%- if last_month -%}
        (not {{ is_final }} or bill_month > cast('{{ last_month }}' as date))
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
