with

versions as (
    {{ version_intervals(ref('stg_freshservice__time_entries')) }}
),

time_entries as (
    select
        time_entry_id,
        ticket_number,
        time_spent,
        is_billable and not is_running as is_counted,
        case
            when time_spent ~ '^[0-9]{1,5}:[0-5][0-9](:[0-5][0-9])?$'
                then
                    cast(split_part(time_spent, ':', 1) as integer) * 3600
                    + cast(split_part(time_spent, ':', 2) as integer) * 60
                    + cast(coalesce(nullif(split_part(time_spent, ':', 3), ''), '0') as integer)
        end as seconds,
        is_deleted,
        executed_at,
        known_from,
        known_to
    from versions
)

select * from time_entries
