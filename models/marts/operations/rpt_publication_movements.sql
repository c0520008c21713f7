with

attempts as (
    select * from {{ source('books', 'publication_attempts') }}
),

movements as (
    select * from {{ source('books', 'publication_movements') }}
),

acceptances as (
    select * from {{ source('books', 'publication_acceptances') }}
),

moved as (
    select
        attempts.attempt_id,
        attempts.target,
        attempts.schema_name,
        attempts.job,
        attempts.decision,
        movements.deal_type,
        movements.occurred_month,
        movements.currency,
        movements.published_amount,
        movements.built_amount,
        movements.moved_keys,
        movements.moved_amount,
        movements.new_keys,
        movements.new_amount,
        movements.closed_amount,
        movements.is_held,
        attempts.known_from,
        attempts.known_through,
        attempts.judged_at,
        acceptances.accepted_by,
        acceptances.reason as accepted_because,
        acceptances.accepted_at
    from attempts
    inner join movements on attempts.attempt_id = movements.attempt_id
    left join acceptances on attempts.attempt_id = acceptances.attempt_id
    where
        movements.moved_keys > 0
        or movements.new_keys > 0
        or movements.built_amount != movements.published_amount
)

select * from moved
