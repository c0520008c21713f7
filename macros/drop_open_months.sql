{#- Pre-hook of models computed month by month: what is not final is computed again. -#}
{% macro drop_open_months(is_final='is_final') -%}
    {%- if is_incremental() and not is_empty_run() -%}
        delete from {{ this }} where not {{ is_final }}
    {%- endif -%}
{%- endmacro %}
