{#- What a boberdoo transaction counts as: what the seed says of its type, else the vendor's own two
    words mean what they say (SPEC D2a). -#}
{% macro counts_as(transactions, types='types') -%}
coalesce({{ types }}.counts_as, case
    when {{ transactions }}.transaction_type = 'purchase' then 'sale'
    when {{ transactions }}.transaction_type = 'refund' then 'refund'
    else 'unknown'
end)
{%- endmacro %}
