-- Every state there is, from the relations that hold them, whatever its deal type (DESIGN 18).
{%- for states in [
    ref('int_deals__mortgage_lead'),
    ref('int_leads_and_calls_stated'),
    ref('int_deals__msp_charges'),
] %}
    {{ 'union all' if not loop.first }}
    select
        {{ deal_columns() }}
    from {{ states }}
{%- endfor %}
