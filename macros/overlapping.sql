{#- A join condition: both are known at some time. -#}
{% macro overlapping(one, other) -%}
{{ one }}.known_from < {{ other }}.known_to and {{ one }}.known_to > {{ other }}.known_from
{%- endmacro %}
