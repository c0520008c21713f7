with recursive

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

versions as (
    select
        *,
        row_number() over (partition by transaction_id order by loaded_at desc) as recency
    from call_rows
    where transaction_id in (
        select corrections.transaction_id from call_rows as corrections
        where corrections.corrects_transaction_id is not null
        union
        select corrections.corrects_transaction_id from call_rows as corrections
        where corrections.corrects_transaction_id is not null
    )
),

now_known as (
    select * from versions
    where recency = 1 and lower(transaction_type) = 'call'
),

-- What a row corrects, and what that corrects, up to the root, which may never have landed.
corrections (transaction_id, corrected_id, depth) as (
    select
        transaction_id,
        cast(transaction_id as varchar(100)) as corrected_id,
        cast(0 as integer) as depth
    from now_known
    union all
    select
        corrections.transaction_id,
        cast(now_known.corrects_transaction_id as varchar(100)) as corrected_id,
        cast(corrections.depth + 1 as integer) as depth
    from corrections
    inner join now_known on corrections.corrected_id = now_known.transaction_id
    where now_known.corrects_transaction_id is not null and corrections.depth < 50
),

roots as (
    select
        transaction_id,
        corrected_id as root_id,
        row_number() over (partition by transaction_id order by depth desc) as preference
    from corrections
),

-- Of each root the latest correction stands, whichever call it names.
in_order as (
    select
        now_known.transaction_id,
        roots.root_id,
        row_number() over (
            partition by roots.root_id
            order by
                coalesce(now_known.corrected_at, {{ beginning() }}) desc,
                now_known.loaded_at desc,
                now_known.transaction_id desc
        ) as recency
    from now_known
    inner join roots on now_known.transaction_id = roots.transaction_id and roots.preference = 1
    where not now_known.is_deleted
)

select
    transaction_id,
    root_id,
    recency > 1 as is_replaced
from in_order
