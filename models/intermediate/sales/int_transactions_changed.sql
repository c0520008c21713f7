{{ config(meta={'changes_of': 'int_transactions_stated'}) }}
{%- set known = last_known('int_transactions_stated') -%}
{%- for relation in [
    ref('int_transactions_known'),
    ref('int_sales_typed'),
    ref('int_refunds_judged'),
] %}
    {{ 'union' if not loop.first }}
    select entry_key from {{ relation }}
    where {{ changed_since(known) }}
{%- endfor %}
