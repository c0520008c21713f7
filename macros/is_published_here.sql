{#- The condition that a row of the books is of what this build publishes. -#}
{% macro is_published_here(relation) -%}
    {{ relation }}.schema_name = '{{ target.schema }}'
{%- endmacro %}
