{{ config(indexes=[
    {'columns': ['call_id']},
    {'columns': ['lead_id']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

call_rows as (
    select * from {{ ref('int_call_rows_counted') }}
),

leads as (
    select * from {{ ref('int_leads_known') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched as (
        select call_id from call_rows
        where {{ changed_since(known) }}
        union
        select tied.call_id
        from {{ this }} as tied
        inner join leads on tied.lead_id = leads.lead_id
        where {{ changed_since(known, 'leads') }}
    ),
{% endif %}

rows_to_tie as (
    select * from call_rows
    {% if is_incremental() %}
        where call_id in (select touched.call_id from touched)
    {% endif %}
),

-- Ids carried on any row that counts; digits only (golden/deals NOTES D11).
carried_ids as (
    select distinct
        rows_to_tie.call_id,
        cast(split_part(rows_to_tie.lead_ids, ',', numbers.number) as varchar(100)) as lead_id,
        rows_to_tie.known_from,
        rows_to_tie.known_to
    from rows_to_tie
    inner join {{ numbers(100) }} as numbers
        on
            numbers.number
            <= length(rows_to_tie.lead_ids) - length(replace(rows_to_tie.lead_ids, ',', '')) + 1
    where split_part(rows_to_tie.lead_ids, ',', numbers.number) ~ '^[0-9]+$'
),

-- Else leads of the same phone, as they were landed with the call: later leads change nothing.
same_phone as (
    select
        rows_to_tie.call_id,
        leads.lead_id,
        rows_to_tie.known_from,
        rows_to_tie.known_to
    from rows_to_tie
    inner join leads
        on
            rows_to_tie.phone = leads.phone
            and rows_to_tie.first_loaded_at >= leads.known_from
            and rows_to_tie.first_loaded_at < leads.known_to
            and rows_to_tie.started_at > leads.created_at
            and leads.created_at
            >= {{ dbt.dateadd('day', -1 * var('call_match_days'), 'rows_to_tie.started_at') }}
    where rows_to_tie.is_call
),

leads_of_calls as (
    select
        calls.call_id,
        leads.lead_id,
        leads.created_at,
        leads.known_from,
        leads.known_to
    from (
        select
            call_id,
            lead_id
        from carried_ids
        union
        select
            call_id,
            lead_id
        from same_phone
    ) as calls
    inner join leads on calls.lead_id = leads.lead_id
),

{{ known_spans('call_id', ['rows_to_tie', 'leads_of_calls']) }},

ids_in_spans as (
    select distinct
        spans.call_id,
        spans.known_from,
        spans.known_to,
        carried_ids.lead_id
    from spans
    inner join carried_ids on spans.call_id = carried_ids.call_id and {{ known_at('carried_ids') }}
),

phones_in_spans as (
    select
        spans.call_id,
        spans.known_from,
        spans.known_to,
        same_phone.lead_id
    from spans
    inner join same_phone on spans.call_id = same_phone.call_id and {{ known_at('same_phone') }}
    left join ids_in_spans
        on spans.call_id = ids_in_spans.call_id and spans.known_from = ids_in_spans.known_from
    where ids_in_spans.call_id is null
),

tied as (
    select
        *,
        'lead_id' as tied_by
    from ids_in_spans
    union all
    select
        *,
        'phone' as tied_by
    from phones_in_spans
),

in_order as (
    select
        spans.call_id,
        spans.lead_id,
        cast(spans.tied_by as varchar(20)) as tied_by,
        row_number() over (
            partition by spans.call_id, spans.known_from
            order by
                case when leads_of_calls.created_at is null then 1 else 0 end,
                leads_of_calls.created_at,
                length(spans.lead_id),
                spans.lead_id
        ) as lead_position,
        count(*) over (partition by spans.call_id, spans.known_from) as leads_of_call,
        spans.known_from,
        spans.known_to
    from tied as spans
    left join leads_of_calls
        on
            spans.call_id = leads_of_calls.call_id
            and spans.lead_id = leads_of_calls.lead_id
            and {{ known_at('leads_of_calls') }}
)

select * from in_order
