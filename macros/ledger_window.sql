{#- The known times that this build adds to the ledger: after the last build, up to what every deal
    model has seen. Half-open like all intervals, but open at its start. -#}
{% macro ledger_window(moment) -%}
    {%- set query -%}
        select min(known_through) from (
            select max(known_through) as known_through from {{ source('books', 'build_watermarks') }}
            where substring(model_name, 1, 11) = 'int_deals__' and schema_name = '{{ ref("int_deals_unioned").schema }}'
            group by model_name
        ) as watermarks
    {%- endset -%}
    {%- set found = run_query(query).columns[0][0] if execute else none -%}
    {{ moment }} > {{ watermark(this) if is_incremental() else beginning() }}
        and {{ moment }} <= cast('{{ found or "0001-01-01" }}' as timestamp)
{%- endmacro %}
