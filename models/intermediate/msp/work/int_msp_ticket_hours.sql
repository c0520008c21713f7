-- Of a ticket's lifetime hours, those above what earlier months have counted.
with

hours_kept as (
    select * from {{ ref('int_msp_hours_kept') }}
    where {{ is_month_due() }}
),

reported as (
    select
        ticket_number,
        bill_month,
        reported_seconds
    from hours_kept
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
        hours_kept.basis,
        hours_kept.bill_month,
        hours_kept.ticket_number,
        max(reported.reported_seconds) as reported_seconds
    from hours_kept
    inner join reported
        on
            hours_kept.ticket_number = reported.ticket_number
            and hours_kept.bill_month > reported.bill_month
    where hours_kept.reported_seconds > 0
    group by hours_kept.basis, hours_kept.bill_month, hours_kept.ticket_number
),

counted as (
    select
        hours_kept.basis,
        hours_kept.bill_month,
        hours_kept.account_number,
        hours_kept.ticket_number,
        hours_kept.ticket_id,
        hours_kept.reported_seconds,
        cast(greatest(
            0, hours_kept.seconds - coalesce(reported_before.reported_seconds, 0)
        ) as numeric(18, 6)) as seconds,
        hours_kept.is_final
    from hours_kept
    left join reported_before
        on
            hours_kept.basis = reported_before.basis
            and hours_kept.bill_month = reported_before.bill_month
            and hours_kept.ticket_number = reported_before.ticket_number
)

select * from counted
