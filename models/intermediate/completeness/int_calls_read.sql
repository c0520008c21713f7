-- Of a call one row counts: the latest correction with the largest payin (SPEC D9).
with recursive

call_rows as (
    select * from {{ ref('int_call_rows_read') }}
),

-- What a row corrects, and what that corrects, up to the root, which may never have landed.
corrections (transaction_id, corrected_id, depth) as (
    select
        transaction_id,
        cast(transaction_id as varchar(100)) as corrected_id,
        cast(0 as integer) as depth
    from call_rows
    where is_call_row
    union all
    select
        corrections.transaction_id,
        cast(call_rows.corrects_transaction_id as varchar(100)) as corrected_id,
        cast(corrections.depth + 1 as integer) as depth
    from corrections
    inner join call_rows on corrections.corrected_id = call_rows.transaction_id
    where
        call_rows.is_call_row
        and call_rows.corrects_transaction_id is not null
        and corrections.depth < 50
),

roots as (
    select
        transaction_id,
        corrected_id as root_id,
        row_number() over (partition by transaction_id order by depth desc) as preference
    from corrections
),

corrected as (
    select
        call_rows.*,
        roots.root_id,
        row_number() over (
            partition by call_rows.call_id, roots.root_id order by call_rows.recency
        ) as correction_preference
    from call_rows
    inner join roots on call_rows.transaction_id = roots.transaction_id and roots.preference = 1
    where call_rows.is_call_row and not call_rows.is_deleted
),

ranked as (
    select
        *,
        row_number() over (
            partition by call_id
            order by
                case when correction_preference = 1 then 0 else 1 end,
                case when payin is null then 1 else 0 end,
                payin desc,
                root_id asc
        ) as payin_preference
    from corrected
),

calls_read as (
    select
        call_rows.call_id,
        call_rows.transaction_id,
        call_rows.phone,
        call_rows.lead_ids,
        call_rows.connect_seconds,
        call_rows.payin,
        call_rows.currency,
        cast(coalesce(call_rows.kind, 'lead_call') as varchar(50)) as kind,
        call_rows.partner_id,
        cast(case
            when call_rows.is_deleted then null
            when not call_rows.is_call_row and call_rows.payin = 0 then 'zero'
            when not call_rows.is_call_row then 'out_of_scope'
            when ranked.correction_preference > 1 then 'superseded'
            when ranked.payin_preference > 1 then 'duplicate'
            when call_rows.payin = 0 then 'zero'
            when call_rows.kind = 'transfer' then 'paid_by_terms'
        end as varchar(50)) as no_money_reason,
        not call_rows.is_deleted as is_live,
        coalesce(ranked.payin_preference = 1, false) as is_counted,
        call_rows.started_at
    from call_rows
    left join ranked on call_rows.transaction_id = ranked.transaction_id
)

select * from calls_read
