-- Without a restatement both of its moments are before everything, and a state begins when it does.
with

restatement as (
    {{ newest_restatement() | indent }}
),

booked as (
    select * from {{ ref('int_deals_unioned') }}
    where exception_reason is null
)

select
    booked.*,
    restatement.sealed_through,
    restatement.restated_at,
    case
        when booked.known_from > restatement.sealed_through then booked.known_from
        when booked.known_to > restatement.restated_at then restatement.restated_at
    end as starts_at
from booked
cross join restatement
where booked.known_to > restatement.sealed_through
