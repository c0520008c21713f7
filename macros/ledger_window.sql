{#- The known times that this build adds to the ledger: after the last build, up to what every model
    upstream has seen. Half-open like all intervals, but open at its start. -#}
{% macro ledger_window(moment) -%}
    {%- set found = run_query("select " ~ known_upstream()).columns[0][0] if execute else none -%}
    {{ moment }} > {{ watermark(this) if is_incremental() else beginning() }}
        and {{ moment }} <= cast('{{ found or "0001-01-01" }}' as timestamp)
{%- endmacro %}
