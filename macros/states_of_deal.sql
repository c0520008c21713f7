{#- The states of one deal type among the relations that hold states, in the column contract. -#}
{% macro states_of_deal(deal_type, relations) -%}
{%- for relation in relations -%}
{{ 'union all' if not loop.first }}
select
    {{ deal_columns() }}
from {{ relation }}
where deal_type = '{{ deal_type }}'
{% endfor -%}
{%- endmacro %}
