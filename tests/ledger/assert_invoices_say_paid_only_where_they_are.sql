-- An invoice has a paid date only where it is paid, wholly or in part: Billingo gives today for
-- the others (SPEC I3).
select invoice_id
from {{ ref('fct_invoices') }}
where paid_date is not null and coalesce(payment_status, '') not in ('paid', 'partially_paid')
