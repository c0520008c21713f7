with

schedules as (
    select * from {{ source('books', 'schedules') }}
),

-- What was held and then accepted is published: its job has succeeded by then.
ends as (
    select
        job,
        finished_at as succeeded_at
    from {{ source('books', 'job_runs') }}
    where status = 'completed'
    union all
    select
        attempts.job,
        acceptances.accepted_at as succeeded_at
    from {{ source('books', 'publication_acceptances') }} as acceptances
    inner join {{ source('books', 'publication_attempts') }} as attempts
        on acceptances.attempt_id = attempts.attempt_id
),

successes as (
    select
        job,
        max(succeeded_at) as last_success_at
    from ends
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
