{#- Pre-hook of changed keys: those of the build before are forgotten. The table stays, with the views
    that read it. -#}
{% macro forget_listed() -%}
    {%- if is_incremental() %}delete from {{ this }}{% endif -%}
{%- endmacro %}
