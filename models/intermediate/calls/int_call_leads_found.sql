with

changed as (
    select * from {{ ref('int_call_leads_changed') }}
),

call_rows as (
    select * from {{ ref('int_call_rows_counted') }}
    where call_id in (select changed.call_id from changed)
),

leads as (
    select * from {{ ref('int_leads_known') }}
),

-- Ids carried on any row that counts; digits only (golden/deals NOTES D11).
carried_ids as (
    select
        call_rows.call_id,
        cast(split_part(call_rows.lead_ids, ',', numbers.number) as varchar(100)) as lead_id,
        cast('lead_id' as varchar(20)) as found_by,
        call_rows.known_from,
        call_rows.known_to
    from call_rows
    inner join {{ numbers(100) }} as numbers
        on
            numbers.number
            <= length(call_rows.lead_ids) - length(replace(call_rows.lead_ids, ',', '')) + 1
    where split_part(call_rows.lead_ids, ',', numbers.number) ~ '^[0-9]+$'
),

-- Leads of the same phone, as they were landed with the call: later leads change nothing.
same_phone as (
    select
        call_rows.call_id,
        leads.lead_id,
        cast('phone' as varchar(20)) as found_by,
        call_rows.known_from,
        call_rows.known_to
    from call_rows
    inner join leads
        on
            call_rows.phone = leads.phone
            and call_rows.first_loaded_at >= leads.known_from
            and call_rows.first_loaded_at < leads.known_to
            and call_rows.started_at > leads.created_at
            and leads.created_at
            >= {{ dbt.dateadd('day', -1 * var('call_match_days'), 'call_rows.started_at') }}
    where call_rows.is_call
)

select * from carried_ids
union
select * from same_phone
