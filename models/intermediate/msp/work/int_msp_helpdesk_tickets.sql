with

versions as (
    {{ version_intervals(ref('stg_freshservice__tickets')) }}
),

helpdesk_tickets as (
    select
        ticket_number,
        department_id,
        is_spam or is_deleted_in_helpdesk as is_dropped,
        is_deleted,
        known_from,
        known_to
    from versions
)

select * from helpdesk_tickets
