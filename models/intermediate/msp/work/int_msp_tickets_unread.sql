-- A ticket without a time, and without entries, is in no month; one whose number another has is in
-- those that it, or an entry on its number, has hours in.
with

months as (
    select * from {{ ref('int_msp_months') }}
    where basis = 'bill'
),

latest_month as (
    select max(known_at) as known_at
    from months
),

tickets as (
    select * from {{ ref('int_msp_tickets') }}
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
),

entries_now as (
    select distinct ticket_number from time_entries
    where known_to = {{ open_end() }} and not is_deleted
),

unread as (
    select
        tickets.*,
        cast(null as date) as bill_month,
        cast('missing_time' as varchar(50)) as reason,
        cast(null as varchar(500)) as detail,
        latest_month.known_at
    from latest_month
    inner join tickets on {{ version_known_at('tickets', 'latest_month.known_at') }}
    left join entries_now on tickets.ticket_number = entries_now.ticket_number
    where
        tickets.last_updated_at is null
        and tickets.ticket_id is not null
        and entries_now.ticket_number is null
    union all
    select
        tickets.*,
        months.bill_month,
        cast('ambiguous_ticket' as varchar(50)) as reason,
        cast(tickets.ticket_number as varchar(500)) as detail,
        months.known_at
    from months
    inner join tickets on {{ version_known_at('tickets', 'months.known_at') }}
    left join time_entries
        on
            tickets.ticket_number = time_entries.ticket_number
            and months.bill_month <= time_entries.executed_at
            and months.next_month_at > time_entries.executed_at
            and time_entries.is_counted
            and {{ version_known_at('time_entries', 'months.known_at') }}
    where
        tickets.is_ambiguous
        and (
            time_entries.ticket_number is not null
            or (
                months.bill_month <= tickets.last_updated_at
                and months.next_month_at > tickets.last_updated_at
            )
        )
),

tickets_unread as (
    select distinct
        account_number,
        bill_month,
        ticket_number,
        reason,
        cast('tickets' as varchar(50)) as source,
        ticket_id as source_id,
        detail,
        is_dropped and reason = 'ambiguous_ticket' as is_dropped,
        known_from as since,
        known_at
    from unread
)

select * from tickets_unread
