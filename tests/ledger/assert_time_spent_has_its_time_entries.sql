{{ config(severity='warn', tags=['whole_history']) }}
-- A helpdesk ticket on which Codex says that time was spent has time entries, once any ticket has
-- (SPEC R7a, M6): else its entries were never landed, and its lifetime hours are billed instead.
with

tickets as (
    {{ live_versions(ref('stg_codex__tickets')) }}
),

helpdesk_tickets as (
    {{ live_versions(ref('stg_freshservice__tickets')) }}
),

time_entries as (
    {{ live_versions(ref('stg_freshservice__time_entries')) }}
)

select
    tickets.account_number,
    tickets.ticket_number,
    tickets.total_hours_spent,
    tickets.last_updated_at
from tickets
inner join helpdesk_tickets on tickets.ticket_number = helpdesk_tickets.ticket_number
left join time_entries on tickets.ticket_number = time_entries.ticket_number
where tickets.total_hours_spent > 0 and time_entries.ticket_number is null
