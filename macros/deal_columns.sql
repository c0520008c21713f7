{#- The column contract of every deal model, as a select list: the states one entry key has had
    (SPEC L2). -#}
{% macro deal_columns() -%}
{{ deal_column_names() | join(',\n    ') }}
{%- endmacro %}
