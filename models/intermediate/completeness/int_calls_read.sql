-- Of a call one row counts: of those that no correction replaces, the one with the largest payin
-- (SPEC D9).
with

call_rows as (
    select * from {{ ref('int_call_rows_read') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by call_id
            order by
                case when is_call_row and not is_deleted and not is_replaced then 0 else 1 end,
                case when payin is null then 1 else 0 end,
                payin desc,
                root_id asc
        ) as preference
    from call_rows
),

judged as (
    select
        *,
        is_call_row and not is_deleted and not is_replaced and preference = 1 as is_counted
    from ranked
),

calls_read as (
    select
        call_id,
        transaction_id,
        root_id,
        is_replaced,
        phone,
        lead_ids,
        connect_seconds,
        payin,
        currency,
        cast(coalesce(kind, 'lead_call') as varchar(50)) as kind,
        partner_id,
        cast(case
            when is_deleted then null
            when not is_call_row and payin = 0 then 'zero'
            when not is_call_row then 'out_of_scope'
            when is_replaced then 'superseded'
            when not is_counted then 'duplicate'
            when payin = 0 then 'zero'
            when kind = 'transfer' then 'paid_by_terms'
        end as varchar(50)) as no_money_reason,
        not is_deleted as is_live,
        is_counted,
        started_at
    from judged
)

select * from calls_read
