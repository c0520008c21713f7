with

months as (
    select * from {{ ref('int_msp_months') }}
),

tickets as (
    select * from {{ ref('int_msp_tickets') }}
    where not is_ambiguous
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
),

entry_hours as (
    select
        months.basis,
        months.bill_month,
        months.known_at,
        months.is_final,
        time_entries.ticket_number,
        cast(sum(
            case when time_entries.is_counted then coalesce(time_entries.seconds, 0) else 0 end
        ) as numeric(18, 6)) as seconds,
        cast(0 as numeric(18, 6)) as reported_seconds
    from months
    inner join time_entries
        on
            months.bill_month <= time_entries.executed_at
            and months.next_month_at > time_entries.executed_at
            and {{ version_known_at('time_entries', 'months.known_at') }}
    group by
        months.basis,
        months.bill_month,
        months.known_at,
        months.is_final,
        time_entries.ticket_number
),

-- A ticket's lifetime hours count only while nobody has logged an entry on it (NOTES C19, C22).
lifetime_hours as (
    select
        months.basis,
        months.bill_month,
        months.known_at,
        months.is_final,
        tickets.ticket_number,
        tickets.total_seconds as seconds,
        tickets.total_seconds as reported_seconds
    from months
    inner join tickets
        on
            months.bill_month <= tickets.last_updated_at
            and months.next_month_at > tickets.last_updated_at
            and {{ version_known_at('tickets', 'months.known_at') }}
    left join time_entries
        on
            tickets.ticket_number = time_entries.ticket_number
            and {{ version_known_at('time_entries', 'months.known_at') }}
    where time_entries.ticket_number is null
),

hours_logged as (
    select * from entry_hours
    union all
    select * from lifetime_hours
)

select * from hours_logged
