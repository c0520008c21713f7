with

schedules as (
    select * from {{ source('books', 'schedules') }}
),

successes as (
    select
        job,
        max(finished_at) as last_success_at
    from {{ source('books', 'job_runs') }}
    where status = 'completed'
    group by job
),

-- A job that has never succeeded is late from when its schedule was first known.
due as (
    select
        schedules.job,
        schedules.cron,
        schedules.allowed_hours,
        successes.last_success_at,
        {{ dbt.dateadd(
            'hour',
            'schedules.allowed_hours',
            'coalesce(successes.last_success_at, schedules.registered_at)',
        ) }} as due_by
    from schedules
    left join successes on schedules.job = successes.job
)

select * from due
where due_by < {{ now_in_utc() }}
