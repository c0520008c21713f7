-- The partner pays what boberdoo sold the lead for, less refunds (SPEC D2, D3).
{{ states_of_deal('plain_lead', [ref('int_sales_stated'), ref('int_refunds_stated')]) }}
