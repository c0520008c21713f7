-- Every deal type there is. A new one is a model in deals/ and a line here.
{%- for deals in [
    ref('int_deals__mortgage_lead'),
    ref('int_deals__plain_lead'),
    ref('int_deals__drip'),
    ref('int_deals__cpa'),
    ref('int_deals__cpt'),
    ref('int_deals__warm_transfer'),
    ref('int_deals__cbm_call'),
    ref('int_deals__lead_call'),
    ref('int_deals__other'),
    ref('int_deals__msp_charges'),
] %}
    {{ 'union all' if not loop.first }}
    select
        {{ deal_columns() }}
    from {{ deals }}
{%- endfor %}
