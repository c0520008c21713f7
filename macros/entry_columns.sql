{#- The columns that an entry takes from its state, or its reversal from the entry that it undoes. -#}
{% macro entry_columns() -%}
    {{ return(deal_column_names() | reject('in', [
        'exception_reason', 'opened_because', 'closed_because', 'known_from', 'known_to'
    ]) | list) }}
{%- endmacro %}
