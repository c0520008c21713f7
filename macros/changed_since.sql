{#- A condition on rows of a history: they began or ended to be known after that moment. What is
    landed later changes nothing that was known before, so this finds all that is new (SPEC L9). -#}
{% macro changed_since(moment, relation='') -%}
{%- set prefix = relation ~ '.' if relation else '' -%}
(
    {{ prefix }}known_from > {{ moment }}
    or ({{ prefix }}known_to > {{ moment }} and {{ prefix }}known_to < {{ open_end() }})
)
{%- endmacro %}
