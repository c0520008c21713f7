-- Clients with work in a closed month on a ticket of which something was landed after its close.
with

months as (
    select * from {{ ref('int_msp_months') }}
    where is_final
),

tickets as (
    select * from {{ ref('int_msp_tickets') }}
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
),

last_landings as (
    select
        ticket_number,
        max(loaded_at) as last_loaded_at
    from (
        {% for landed in [
            ref('stg_codex__tickets'),
            ref('stg_freshservice__tickets'),
            ref('stg_freshservice__time_entries'),
        ] %}
            {{ 'union all' if not loop.first }}
            select
                ticket_number,
                loaded_at
            from {{ landed }}
        {% endfor %}
    ) as landings
    group by ticket_number
),

times_of_tickets as (
    select
        ticket_number,
        account_number,
        last_updated_at as worked_at
    from tickets
    union
    select
        tickets.ticket_number,
        tickets.account_number,
        time_entries.executed_at
    from tickets
    inner join time_entries on tickets.ticket_number = time_entries.ticket_number
),

late_tickets as (
    select distinct
        times_of_tickets.account_number,
        months.bill_month
    from times_of_tickets
    inner join last_landings on times_of_tickets.ticket_number = last_landings.ticket_number
    inner join months
        on
            times_of_tickets.worked_at >= months.bill_month
            and times_of_tickets.worked_at < months.next_month_at
            and last_landings.last_loaded_at > months.known_at
    where times_of_tickets.account_number is not null
)

select * from late_tickets
