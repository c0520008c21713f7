-- Codex's tickets, and those of Freshservice that Codex has dropped or never had.
with

codex_tickets as (
    select * from {{ ref('int_msp_codex_tickets') }}
),

helpdesk_tickets as (
    select * from {{ ref('int_msp_helpdesk_tickets') }}
),

department_versions as (
    {{ version_intervals(ref('stg_freshservice__departments')) }}
),

ticket_starts as (
    select
        ticket_number,
        min(known_from) as first_known_at
    from codex_tickets
    group by ticket_number
),

helpdesk_only_tickets as (
    select
        helpdesk_tickets.ticket_number,
        cast(null as varchar(100)) as ticket_id,
        department_versions.account_number,
        false as is_dropped,
        false as is_ambiguous,
        cast(0 as numeric(18, 6)) as total_seconds,
        false as is_deleted,
        cast(null as timestamp) as last_updated_at,
        greatest(helpdesk_tickets.known_from, department_versions.known_from) as known_from,
        least(
            helpdesk_tickets.known_to, department_versions.known_to, ticket_starts.first_known_at
        ) as known_to
    from helpdesk_tickets
    inner join department_versions
        on
            helpdesk_tickets.department_id = department_versions.department_id
            and {{ overlapping('helpdesk_tickets', 'department_versions') }}
            and not department_versions.is_deleted
    left join ticket_starts on helpdesk_tickets.ticket_number = ticket_starts.ticket_number
),

tickets as (
    select * from codex_tickets
    union all
    select * from helpdesk_only_tickets
    where known_from < known_to
)

select * from tickets
