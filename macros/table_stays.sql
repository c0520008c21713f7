{#- Whether this build goes on with the table that is there: adds to it, or empties and fills it. -#}
{% macro table_stays() -%}
    {%- set is_refilled = config.get('materialized') == 'refilled_table' -%}
    {{ return(is_incremental() or (
        is_refilled and not should_full_refresh() and (load_cached_relation(this) or {}).type == 'table'
    )) }}
{%- endmacro %}
