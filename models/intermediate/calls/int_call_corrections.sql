with recursive

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

-- Rows that ever corrected one, and those that were ever corrected: few of all.
linked as (
    select transaction_id from call_rows
    where corrects_transaction_id is not null
    union
    select corrects_transaction_id as transaction_id from call_rows
    where corrects_transaction_id is not null
),

-- What comes after a version ends it, of whatever type and call it is (SPEC L2a).
all_versions as (
    select
        transaction_id,
        transaction_type,
        corrects_transaction_id,
        corrected_at,
        is_deleted,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by transaction_id order by loaded_at
        ), {{ open_end() }}) as known_to
    from call_rows
    where transaction_id in (select linked.transaction_id from linked)
),

versions as (
    select * from all_versions
    where lower(transaction_type) = 'call'
),

-- What a row corrects, and what that corrects, up to the root, which may never have landed.
corrected (transaction_id, corrected_id, depth, known_from, known_to) as (
    select
        transaction_id,
        cast(transaction_id as varchar(100)) as corrected_id,
        cast(0 as integer) as depth,
        known_from,
        known_to
    from versions
    union all
    select
        corrected.transaction_id,
        cast(versions.corrects_transaction_id as varchar(100)) as corrected_id,
        cast(corrected.depth + 1 as integer) as depth,
        greatest(corrected.known_from, versions.known_from) as known_from,
        least(corrected.known_to, versions.known_to) as known_to
    from corrected
    inner join versions
        on
            corrected.corrected_id = versions.transaction_id
            and {{ overlapping('corrected', 'versions') }}
    where versions.corrects_transaction_id is not null and corrected.depth < 50
),

{{ known_spans('transaction_id', ['corrected']) }},

rooted as (
    select
        versions.transaction_id,
        corrected.corrected_id as root_transaction_id,
        versions.corrected_at,
        versions.known_from as loaded_at,
        spans.known_from,
        spans.known_to,
        row_number() over (
            partition by spans.transaction_id, spans.known_from order by corrected.depth desc
        ) as preference
    from spans
    inner join versions
        on spans.transaction_id = versions.transaction_id and {{ known_at('versions') }}
    inner join corrected
        on spans.transaction_id = corrected.transaction_id and {{ known_at('corrected') }}
    where not versions.is_deleted
)

select
    transaction_id,
    root_transaction_id,
    corrected_at,
    loaded_at,
    known_from,
    known_to
from rooted
where preference = 1
