-- An entry without a time is in no month; one with an unreadable duration is in its own.
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
    where not is_ambiguous
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
    where is_counted
),

unread as (
    select
        time_entries.*,
        cast(null as date) as bill_month,
        cast('missing_time' as varchar(50)) as reason,
        cast(null as varchar(500)) as detail,
        latest_month.known_at
    from latest_month
    inner join time_entries on {{ version_known_at('time_entries', 'latest_month.known_at') }}
    where time_entries.executed_at is null
    union all
    select
        time_entries.*,
        months.bill_month,
        cast('bad_time_spent' as varchar(50)) as reason,
        cast(time_entries.time_spent as varchar(500)) as detail,
        months.known_at
    from months
    inner join time_entries
        on
            months.bill_month <= time_entries.executed_at
            and months.next_month_at > time_entries.executed_at
            and {{ version_known_at('time_entries', 'months.known_at') }}
    where time_entries.seconds is null
),

entries_unread as (
    select distinct
        tickets.account_number,
        unread.bill_month,
        unread.ticket_number,
        unread.reason,
        cast('time_entries' as varchar(50)) as source,
        unread.time_entry_id as source_id,
        unread.detail,
        false as is_dropped,
        unread.known_from as since,
        unread.known_at
    from unread
    inner join tickets
        on
            unread.ticket_number = tickets.ticket_number
            and {{ version_known_at('tickets', 'unread.known_at') }}
)

select * from entries_unread
