-- Where two live tickets share a number, nobody can tell whose its entries are (docs/decisions.md).
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

told_apart as (
    select
        *,
        min(ticket_id) over (partition by ticket_number)
        != max(ticket_id) over (partition by ticket_number) as has_shared_number
    from ticket_versions
),

shared_tickets as (
    select * from told_apart
    where has_shared_number
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
        ticket_number,
        ticket_id,
        account_number,
        is_dropped,
        false as is_ambiguous,
        total_seconds,
        is_deleted,
        last_updated_at,
        known_from,
        known_to
    from told_apart
    where not has_shared_number
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
