-- The sale is symbolic; the partner pays for the call that was put through to it, or by what
-- became of the lead, as the terms say (SPEC D4).
{{ states_of_deal('cpt', [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_conversions_stated'),
]) }}
