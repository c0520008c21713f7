{#- A select list of the parts of states (`merged_states`), in the column contract: `given` maps a column
    to its SQL where that is not the column of the same name; those in `absent` are null. A quantity
    is 1, a discount 0, and a list amount the amount, unless given. -#}
{% macro deal_parts(given, absent=[]) -%}
{%- set usual = {'quantity': '1', 'discount_amount': '0', 'list_amount': given.get('amount', 'amount')} -%}
{%- set columns = deal_column_types() -%}
{%- for column, type in columns.items() if not column.endswith('_because') %}
{%- if column in given or column in absent or column in usual %}
cast({{ 'null' if column in absent else given.get(column, usual.get(column)) }} as {{ type }}) as {{ column }},
{%- else %}
{{ column }},
{%- endif %}
{%- endfor %}
cast({{ given.gap_reason }} as varchar(50)) as gap_reason
{%- endmacro %}
