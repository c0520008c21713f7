{#- Pre-hook of a table that is added to: what the next build makes anew is forgotten first, all of it or
    all but what is settled: `settled` is SQL for that. The table stays, with the views that read it.
    With `--empty` nothing is made, so nothing is forgotten. -#}
{% macro forget_rows(settled='false') -%}
    {%- if is_incremental() and not is_empty_run() -%}
        delete from {{ this }} where not {{ settled }}
    {%- endif -%}
{%- endmacro %}
