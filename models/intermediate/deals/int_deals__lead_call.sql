-- A call's payin, split over the leads it is tied to; without one it is booked whole (SPEC D11).
select * from {{ ref('int_leads_and_calls_stated') }}
where deal_type = 'lead_call'
