with

load_runs as (
    select * from {{ source('books', 'load_runs') }}
    where source = 'billingo' and stream = 'documents' and status in ('completed', 'partial')
),

landed as (
    select cast(max(loaded_at) as date) as landed_date
    from load_runs
)

select * from landed
