-- The sale is symbolic; the partner pays once the lead that was put through bought (SPEC D4).
{{ states_of_deal('warm_transfer', [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_conversions_stated'),
]) }}
