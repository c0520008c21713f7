select
    attempt,
    status_code,
    answer,
    coalesce(status_code < 400, false) as is_taken,
    attempted_at
from {{ source('books', 'heartbeats') }}
