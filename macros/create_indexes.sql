{#- Redshift has no indexes: sort keys do their work (docs/redshift.md). -#}
{% macro redshift__create_indexes(relation) -%}{%- endmacro %}
