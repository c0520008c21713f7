-- The helpdesk says whether a ticket is spam or deleted; of one that it does not know, Codex.
with

hours_logged as (
    select * from {{ ref('int_msp_hours_logged') }}
),

tickets as (
    select * from {{ ref('int_msp_tickets') }}
    where not is_ambiguous
),

helpdesk_tickets as (
    select * from {{ ref('int_msp_helpdesk_tickets') }}
),

hours_kept as (
    select
        hours_logged.*,
        tickets.account_number,
        tickets.ticket_id
    from hours_logged
    inner join tickets
        on
            hours_logged.ticket_number = tickets.ticket_number
            and {{ version_known_at('tickets', 'hours_logged.known_at') }}
    left join helpdesk_tickets
        on
            hours_logged.ticket_number = helpdesk_tickets.ticket_number
            and {{ version_known_at('helpdesk_tickets', 'hours_logged.known_at') }}
    where not coalesce(helpdesk_tickets.is_dropped, tickets.is_dropped)
)

select * from hours_kept
