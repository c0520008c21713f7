{#- A join condition: the history's row is what is known at the start of the span. -#}
{% macro known_at(history, span='spans') -%}
{{ history }}.known_from <= {{ span }}.known_from and {{ history }}.known_to > {{ span }}.known_from
{%- endmacro %}
