with

changed as (
    select * from {{ ref('int_call_rows_changed') }}
),

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

-- What comes after a version ends it, of whatever type and call it is (SPEC L2a).
all_versions as (
    select
        *,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by transaction_id order by loaded_at
        ), {{ open_end() }}) as known_to
    from call_rows
    where transaction_id in (
        select of_calls.transaction_id
        from call_rows as of_calls
        inner join changed on of_calls.call_id = changed.call_id
    )
),

-- Events of a call carry the advertiser's money, not ours: rows of type Call only (SPEC D9).
versions as (
    select
        *,
        min(loaded_at) over (partition by call_id) as first_loaded_at
    from all_versions
    where
        lower(transaction_type) = 'call'
        and call_id in (select changed.call_id from changed)
),

standing as (
    select
        versions.call_id,
        coalesce(replaced.root_transaction_id, versions.transaction_id) as root_transaction_id,
        versions.transaction_id,
        versions.load_id,
        versions.campaign_id,
        versions.campaign_name,
        versions.advertiser_id,
        versions.phone,
        versions.lead_ids,
        versions.connect_seconds,
        versions.payin,
        versions.currency,
        versions.started_at,
        versions.first_loaded_at,
        greatest(versions.known_from, replaced.known_from) as known_from,
        least(versions.known_to, replaced.known_to) as known_to
    from versions
    left join {{ ref('int_call_rows_replaced') }} as replaced
        on
            versions.transaction_id = replaced.transaction_id
            and {{ overlapping('versions', 'replaced') }}
    where not versions.is_deleted and not coalesce(replaced.is_replaced, false)
),

{{ known_spans('call_id', ['standing']) }}

select
    {%- for column in [
        'call_id', 'root_transaction_id', 'transaction_id', 'load_id', 'campaign_id',
        'campaign_name', 'advertiser_id', 'phone', 'lead_ids', 'connect_seconds', 'payin',
        'currency', 'started_at', 'first_loaded_at',
    ] %}
        standing.{{ column }},
    {%- endfor %}
    spans.known_from,
    spans.known_to,
    row_number() over (
        partition by spans.call_id, spans.known_from
        order by
            case when standing.payin is null then 1 else 0 end asc,
            standing.payin desc,
            standing.root_transaction_id asc
    ) as payin_preference
from spans
inner join standing on spans.call_id = standing.call_id and {{ known_at('standing') }}
