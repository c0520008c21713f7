{#- A relation of the whole numbers from 1, in parentheses: to take lists in a text apart. -#}
{% macro numbers(up_to) -%}
(
    {%- for number in range(1, up_to + 1) %}
    select cast({{ number }} as integer) as number {{ 'union all' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
