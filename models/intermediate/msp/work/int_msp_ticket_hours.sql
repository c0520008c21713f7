with

months as (
    select * from {{ ref('int_msp_months') }}
    where {{ is_month_due() }}
),

tickets as (
    select * from {{ ref('int_msp_tickets') }}
    where not is_ambiguous
),

helpdesk_tickets as (
    {{ version_intervals(ref('stg_freshservice__tickets')) }}
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

ticket_hours as (
    select * from entry_hours
    union all
    select * from lifetime_hours
),

billed_tickets as (
    select
        ticket_hours.*,
        tickets.account_number,
        tickets.ticket_id
    from ticket_hours
    inner join tickets
        on
            ticket_hours.ticket_number = tickets.ticket_number
            and {{ version_known_at('tickets', 'ticket_hours.known_at') }}
    left join helpdesk_tickets
        on
            ticket_hours.ticket_number = helpdesk_tickets.ticket_number
            and {{ version_known_at('helpdesk_tickets', 'ticket_hours.known_at') }}
    where not coalesce(
        helpdesk_tickets.is_spam or helpdesk_tickets.is_deleted_in_helpdesk, tickets.is_dropped
    )
),

reported as (
    select
        ticket_number,
        bill_month,
        reported_seconds
    from billed_tickets
    where basis = 'bill'
    {% if is_incremental() %}
        union all
        select
            ticket_number,
            bill_month,
            reported_seconds
        from {{ this }}
        where is_final
    {% endif %}
),

reported_before as (
    select
        billed_tickets.basis,
        billed_tickets.bill_month,
        billed_tickets.ticket_number,
        max(reported.reported_seconds) as reported_seconds
    from billed_tickets
    inner join reported
        on
            billed_tickets.ticket_number = reported.ticket_number
            and billed_tickets.bill_month > reported.bill_month
    where billed_tickets.reported_seconds > 0
    group by billed_tickets.basis, billed_tickets.bill_month, billed_tickets.ticket_number
),

counted as (
    select
        billed_tickets.basis,
        billed_tickets.bill_month,
        billed_tickets.account_number,
        billed_tickets.ticket_number,
        billed_tickets.ticket_id,
        billed_tickets.reported_seconds,
        cast(greatest(
            0, billed_tickets.seconds - coalesce(reported_before.reported_seconds, 0)
        ) as numeric(18, 6)) as seconds,
        billed_tickets.is_final
    from billed_tickets
    left join reported_before
        on
            billed_tickets.basis = reported_before.basis
            and billed_tickets.bill_month = reported_before.bill_month
            and billed_tickets.ticket_number = reported_before.ticket_number
)

select * from counted
