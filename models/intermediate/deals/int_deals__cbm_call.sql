-- A call on a CBM campaign: boberdoo's sale for it if there is one, else Invoca's payin (SPEC D10).
{{ states_of_deal('cbm_call', [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_calls_stated'),
]) }}
