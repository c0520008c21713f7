{#- Pre-hook of a table that is added to: what the next build makes anew is forgotten first, all but what is
    settled: `settled` is SQL for that. With `--empty` nothing is made, so nothing is forgotten. -#}
{% macro forget_rows(settled) -%}
    {%- if is_incremental() and not is_empty_run() -%}
        delete from {{ this }} where not {{ settled }}
    {%- endif -%}
{%- endmacro %}
