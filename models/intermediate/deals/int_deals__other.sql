-- Deal types that have no model of their own: those that only the seed knows, mortgage leads sold
-- through boberdoo, and what cannot be given a type yet. Nothing is dropped (SPEC L8).
{%- set with_own_model = [
    'cbm_call', 'cpa', 'cpt', 'drip', 'lead_call', 'plain_lead', 'warm_transfer',
] %}
{%- for relation in [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_conversions_stated'),
] %}
    {{ 'union all' if not loop.first }}
    select
        {{ deal_columns() }}
    from {{ relation }}
    where
        coalesce(deal_type, 'none') not in (
            {%- for deal_type in with_own_model %}
                '{{ deal_type }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
{%- endfor %}
