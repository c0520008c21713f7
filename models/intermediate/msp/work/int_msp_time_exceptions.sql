-- Hours that cannot be billed; not those of tickets that the helpdesk has dropped.
with

helpdesk_tickets as (
    select * from {{ ref('int_msp_helpdesk_tickets') }}
),

unread as (
    select * from {{ ref('int_msp_entries_unread') }}
    union all
    select * from {{ ref('int_msp_tickets_unread') }}
),

time_exceptions as (
    select unread.*
    from unread
    left join helpdesk_tickets
        on
            unread.ticket_number = helpdesk_tickets.ticket_number
            and {{ version_known_at('helpdesk_tickets', 'unread.known_at') }}
    where not coalesce(helpdesk_tickets.is_dropped, unread.is_dropped)
)

select * from time_exceptions
