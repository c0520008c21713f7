select
    totals.close_id,
    closes.business_unit,
    closes.period_month,
    totals.currency,
    totals.entries,
    totals.quantity,
    cast(totals.list_amount as numeric(18, 2)) as list_amount,
    cast(totals.discount_amount as numeric(18, 2)) as discount_amount,
    cast(totals.amount as numeric(18, 2)) as amount
from {{ source('books', 'period_close_totals') }} as totals
inner join {{ ref('rpt_period_closes') }} as closes on totals.close_id = closes.close_id
