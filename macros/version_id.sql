{#- `<source table>:<id>:<known time>`: readable, and the same on every adapter (NOTES C13). -#}
{% macro version_id(table_name, source_key, known_at) -%}
cast('{{ table_name }}:' || {{ source_key }} || ':' || {{ known_time_text(known_at) }} as varchar(200))
{%- endmacro %}
