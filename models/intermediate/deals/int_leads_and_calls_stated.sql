-- Each relation that holds states of leads and calls, once and whole: nothing falls between.
{%- for states in [
    ref('int_transactions_stated'),
    ref('int_conversions_stated'),
    ref('int_calls_stated'),
] %}
    {{ 'union all' if not loop.first }}
    select
        {{ deal_columns() }}
    from {{ states }}
{%- endfor %}
