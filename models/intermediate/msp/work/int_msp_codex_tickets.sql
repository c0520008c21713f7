-- Time entries name a ticket by its number: where two live tickets have one, nobody can tell whose
-- they are, and none of their hours are billed (docs/decisions.md).
with

versions as (
    {{ version_intervals(ref('stg_codex__tickets')) }}
),

ticket_versions as (
    select
        -- One without a number has its own hours, and no entries.
        cast(coalesce(ticket_number, 'id:' || ticket_id) as varchar(100)) as ticket_number,
        ticket_id,
        account_number,
        coalesce(status in ('spam', 'deleted'), false) as is_dropped,
        cast(total_hours_spent * 3600 as numeric(18, 6)) as total_seconds,
        is_deleted,
        last_updated_at,
        known_from,
        known_to
    from versions
),

shared_numbers as (
    select ticket_number
    from ticket_versions
    group by ticket_number
    having min(ticket_id) != max(ticket_id)
),

shared_tickets as (
    select ticket_versions.*
    from ticket_versions
    inner join shared_numbers on ticket_versions.ticket_number = shared_numbers.ticket_number
),

{{ known_spans('ticket_number', ['shared_tickets']) }},

live_in_spans as (
    select
        spans.ticket_number,
        shared_tickets.ticket_id,
        shared_tickets.account_number,
        shared_tickets.is_dropped,
        shared_tickets.total_seconds,
        shared_tickets.is_deleted,
        shared_tickets.last_updated_at,
        spans.known_from,
        spans.known_to,
        count(*) over (partition by spans.ticket_number, spans.known_from) as live_tickets,
        sum(case when shared_tickets.is_dropped then 0 else 1 end) over (
            partition by spans.ticket_number, spans.known_from
        ) as kept_tickets
    from spans
    inner join shared_tickets
        on spans.ticket_number = shared_tickets.ticket_number and {{ known_at('shared_tickets') }}
    where not shared_tickets.is_deleted
),

codex_tickets as (
    select
        ticket_versions.ticket_number,
        ticket_versions.ticket_id,
        ticket_versions.account_number,
        ticket_versions.is_dropped,
        false as is_ambiguous,
        ticket_versions.total_seconds,
        ticket_versions.is_deleted,
        ticket_versions.last_updated_at,
        ticket_versions.known_from,
        ticket_versions.known_to
    from ticket_versions
    left join shared_numbers on ticket_versions.ticket_number = shared_numbers.ticket_number
    where shared_numbers.ticket_number is null
    union all
    -- One that is neither spam nor deleted is the ticket, whatever else had its number.
    select
        ticket_number,
        ticket_id,
        account_number,
        is_dropped,
        live_tickets > 1 and kept_tickets != 1 as is_ambiguous,
        total_seconds,
        is_deleted,
        last_updated_at,
        known_from,
        known_to
    from live_in_spans
    where not is_dropped or kept_tickets != 1
)

select * from codex_tickets
