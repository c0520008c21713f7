-- Hours that cannot be billed: without a time in no month; with an unreadable duration, or on a
-- ticket whose number another has, in theirs.
with

months as (
    select * from {{ ref('int_msp_months') }}
    where basis = 'bill'
),

latest_month as (
    select max(known_at) as known_at
    from months
),

all_tickets as (
    select * from {{ ref('int_msp_tickets') }}
),

tickets as (
    select * from all_tickets
    where not is_ambiguous
),

ambiguous_tickets as (
    select * from all_tickets
    where is_ambiguous
),

helpdesk_tickets as (
    {{ version_intervals(ref('stg_freshservice__tickets')) }}
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
),

ticket_entries as (
    select distinct ticket_number from time_entries
    where known_to = {{ open_end() }} and not is_deleted
),

tickets_without_time as (
    select
        tickets.account_number,
        tickets.ticket_number,
        cast('tickets' as varchar(50)) as source,
        tickets.ticket_id as source_id,
        tickets.known_from as since,
        latest_month.known_at
    from all_tickets as tickets
    inner join latest_month on {{ version_known_at('tickets', 'latest_month.known_at') }}
    left join ticket_entries on tickets.ticket_number = ticket_entries.ticket_number
    where
        tickets.last_updated_at is null
        and tickets.ticket_id is not null
        and ticket_entries.ticket_number is null
),

entries_without_time as (
    select
        tickets.account_number,
        tickets.ticket_number,
        cast('time_entries' as varchar(50)) as source,
        time_entries.time_entry_id as source_id,
        time_entries.known_from as since,
        latest_month.known_at
    from time_entries
    inner join latest_month on {{ version_known_at('time_entries', 'latest_month.known_at') }}
    inner join tickets
        on
            time_entries.ticket_number = tickets.ticket_number
            and {{ version_known_at('tickets', 'latest_month.known_at') }}
    where time_entries.executed_at is null and time_entries.is_counted
),

entries_without_duration as (
    select
        tickets.account_number,
        months.bill_month,
        tickets.ticket_number,
        time_entries.time_entry_id as source_id,
        time_entries.time_spent as detail,
        time_entries.known_from as since,
        months.known_at
    from months
    inner join time_entries
        on
            months.bill_month <= time_entries.executed_at
            and months.next_month_at > time_entries.executed_at
            and time_entries.seconds is null
            and time_entries.is_counted
            and {{ version_known_at('time_entries', 'months.known_at') }}
    inner join tickets
        on
            time_entries.ticket_number = tickets.ticket_number
            and {{ version_known_at('tickets', 'months.known_at') }}
),

tickets_of_one_number as (
    select distinct
        ambiguous_tickets.account_number,
        months.bill_month,
        ambiguous_tickets.ticket_number,
        ambiguous_tickets.ticket_id as source_id,
        ambiguous_tickets.is_dropped,
        ambiguous_tickets.known_from as since,
        months.known_at
    from months
    inner join ambiguous_tickets on {{ version_known_at('ambiguous_tickets', 'months.known_at') }}
    left join time_entries
        on
            ambiguous_tickets.ticket_number = time_entries.ticket_number
            and months.bill_month <= time_entries.executed_at
            and months.next_month_at > time_entries.executed_at
            and time_entries.is_counted
            and {{ version_known_at('time_entries', 'months.known_at') }}
    where
        time_entries.ticket_number is not null
        or (
            months.bill_month <= ambiguous_tickets.last_updated_at
            and months.next_month_at > ambiguous_tickets.last_updated_at
        )
),

unreadable as (
    select
        account_number,
        cast(null as date) as bill_month,
        ticket_number,
        cast('missing_time' as varchar(50)) as reason,
        source,
        source_id,
        cast(null as varchar(500)) as detail,
        false as is_dropped,
        since,
        known_at
    from tickets_without_time
    union all
    select
        account_number,
        cast(null as date) as bill_month,
        ticket_number,
        cast('missing_time' as varchar(50)) as reason,
        source,
        source_id,
        cast(null as varchar(500)) as detail,
        false as is_dropped,
        since,
        known_at
    from entries_without_time
    union all
    select
        account_number,
        bill_month,
        ticket_number,
        cast('bad_time_spent' as varchar(50)) as reason,
        cast('time_entries' as varchar(50)) as source,
        source_id,
        cast(detail as varchar(500)) as detail,
        false as is_dropped,
        since,
        known_at
    from entries_without_duration
    union all
    select
        account_number,
        bill_month,
        ticket_number,
        cast('ambiguous_ticket' as varchar(50)) as reason,
        cast('tickets' as varchar(50)) as source,
        source_id,
        cast(ticket_number as varchar(500)) as detail,
        is_dropped,
        since,
        known_at
    from tickets_of_one_number
),

time_exceptions as (
    select unreadable.*
    from unreadable
    left join helpdesk_tickets
        on
            unreadable.ticket_number = helpdesk_tickets.ticket_number
            and {{ version_known_at('helpdesk_tickets', 'unreadable.known_at') }}
    where not coalesce(
        helpdesk_tickets.is_spam or helpdesk_tickets.is_deleted_in_helpdesk, unreadable.is_dropped
    )
)

select * from time_exceptions
