-- An entry is booked once: its id names it for good (SPEC L4). An id ends in its known time, so
-- that only entries of one known time can share it.
select
    entry_id,
    count(*) as times
from {{ ref('fct_ledger_entries') }}
where {{ recorded_lately() }}
group by entry_id
having count(*) > 1
