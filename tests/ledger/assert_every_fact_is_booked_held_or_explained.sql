-- Every amount that a source gives is in the ledger, is listed as held, or carries no money for a
-- reason with a name; and nothing stands in the ledger whose fact is gone (SPEC L16). Read from
-- staging and the ledger, never from the models between them.
select
    source,
    stream,
    fact_key,
    fact_month,
    currency,
    landed,
    booked,
    excepted,
    parked,
    no_money,
    no_money_reason,
    difference
from {{ ref('int_facts_accounted') }}
where not is_accounted
