-- A call's payin, split over the leads it is tied to; without one it is booked whole (SPEC D11).
{{ states_of_deal('lead_call', [
    ref('int_sales_stated'), ref('int_refunds_stated'), ref('int_calls_stated'),
]) }}
