{#- On an incremental run, the versions landed after those already here. Every landing of a stream
    is later than the one before (SPEC R3a). -#}
{% macro landed_since_last_build() -%}
{%- if is_incremental() -%}
where loaded_at > (select coalesce(max(loaded_at), {{ beginning() }}) from {{ this }})
{%- else -%}
where true
{%- endif -%}
{%- endmacro %}
