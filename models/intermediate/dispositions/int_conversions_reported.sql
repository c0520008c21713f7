with

dispositions as (
    select
        *,
        cast(lead_id || '|' || partner_id as varchar(200)) as pair
    from {{ ref('int_dispositions_mapped') }}
    where lead_id is not null
),

events_of_pairs as (
    select * from dispositions
    {% if is_incremental() %}
        where lead_id in (
            select changed.lead_id from dispositions as changed
            where {{ changed_since(watermark(this), 'changed') }}
        )
    {% endif %}
),

{{ known_spans('pair', ['events_of_pairs']) }},

events_in_spans as (
    select
        spans.pair,
        spans.known_from,
        spans.known_to,
        events_of_pairs.event_id,
        events_of_pairs.load_id,
        events_of_pairs.lead_id,
        events_of_pairs.partner_id,
        events_of_pairs.sale_amount,
        events_of_pairs.is_converted,
        events_of_pairs.is_final,
        events_of_pairs.status_at,
        row_number() over (
            partition by spans.pair, spans.known_from
            order by
                events_of_pairs.status_at,
                events_of_pairs.first_loaded_at,
                events_of_pairs.file_name,
                events_of_pairs.row_number,
                events_of_pairs.event_id
        ) as event_number
    from spans
    inner join events_of_pairs
        on spans.pair = events_of_pairs.pair and {{ known_at('events_of_pairs') }}
    where events_of_pairs.status is not null
),

last_undone as (
    select
        *,
        max(case when is_final and not is_converted then event_number else 0 end) over (
            partition by pair, known_from
        ) as undone_by
    from events_in_spans
),

run_of_conversion as (
    select
        *,
        row_number() over (partition by pair, known_from order by event_number) as number_in_run,
        max(case when sale_amount is not null then event_number end) over (
            partition by pair, known_from
        ) as value_from
    from last_undone
    where is_converted and event_number > undone_by
),

-- Reported twice: the first date, and the last value that is not blank.
conversions as (
    select
        pair,
        known_from,
        known_to,
        max(case when number_in_run = 1 then event_id end) as event_id,
        max(case when number_in_run = 1 then load_id end) as load_id,
        max(case when number_in_run = 1 then lead_id end) as lead_id,
        max(case when number_in_run = 1 then partner_id end) as partner_id,
        cast(
            max(case when event_number = value_from then sale_amount end) as numeric(18, 2)
        ) as sale_amount,
        min(case when number_in_run = 1 then status_at end) as occurred_at
    from run_of_conversion
    group by pair, known_from, known_to
)

select * from conversions
