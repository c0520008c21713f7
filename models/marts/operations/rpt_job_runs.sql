select
    job_run_id,
    job,
    status,
    error,
    cast({{ dbt.datediff('started_at', 'finished_at', 'second') }} as bigint) as duration_seconds,
    clock as as_of,
    started_at,
    finished_at
from {{ source('books', 'job_runs') }}
