-- The sale is symbolic; the partner pays once the lead became its customer (SPEC D4).
{{ states_of_deal('cpa', [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_conversions_stated'),
]) }}
