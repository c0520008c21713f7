with recursive

stg_invoca__transactions as (
    select * from {{ ref('stg_invoca__transactions') }}
),

campaigns as (
    select * from {{ ref('int_call_campaigns_timeline') }}
),

deal_types as (
    select * from {{ ref('int_deal_types_timeline') }}
    where deal_type in ('cbm_call', 'lead_call')
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    -- A row that moved is out of the call it was on, so that one is counted again, too.
    touched as (
        select versions.call_id
        from stg_invoca__transactions as versions
        inner join stg_invoca__transactions as landed
            on versions.transaction_id = landed.transaction_id
        where landed.loaded_at > {{ known }}
        union
        select call_rows.call_id
        from {{ this }} as call_rows
        inner join campaigns on call_rows.campaign_id = campaigns.campaign_id
        where campaigns.known_from > {{ known }}
        union
        select call_rows.call_id
        from {{ this }} as call_rows
        inner join deal_types on call_rows.deal_type = deal_types.deal_type
        where deal_types.known_from > {{ known }}
    ),
{% endif %}

rows_of_calls as (
    select * from stg_invoca__transactions
    {% if is_incremental() %}
        where transaction_id in (
            select rows_touched.transaction_id
            from stg_invoca__transactions as rows_touched
            inner join touched on rows_touched.call_id = touched.call_id
        )
    {% endif %}
),

-- What comes after a version ends it, of whatever type and call it is (SPEC L2a).
all_versions as (
    select
        *,
        loaded_at as known_from,
        coalesce(lead(loaded_at) over (
            partition by transaction_id order by loaded_at
        ), {{ open_end() }}) as known_to
    from rows_of_calls
),

-- Events of a call carry the advertiser's money, not ours: rows of type Call only (SPEC D9).
versions as (
    select
        *,
        min(loaded_at) over (partition by call_id) as first_loaded_at
    from all_versions
    where
        lower(transaction_type) = 'call'
        {% if is_incremental() %}
            and call_id in (select touched.call_id from touched)
        {% endif %}
),

-- What a row corrects, and what that corrects, up to the root, which may never have landed.
corrected (call_id, transaction_id, corrected_id, depth, known_from, known_to) as (
    select
        call_id,
        transaction_id,
        cast(transaction_id as varchar(100)) as corrected_id,
        cast(0 as integer) as depth,
        known_from,
        known_to
    from versions
    union all
    select
        corrected.call_id,
        corrected.transaction_id,
        cast(versions.corrects_transaction_id as varchar(100)) as corrected_id,
        cast(corrected.depth + 1 as integer) as depth,
        greatest(corrected.known_from, versions.known_from) as known_from,
        least(corrected.known_to, versions.known_to) as known_to
    from corrected
    inner join versions
        on
            corrected.call_id = versions.call_id
            and corrected.corrected_id = versions.transaction_id
            and {{ overlapping('corrected', 'versions') }}
    where versions.corrects_transaction_id is not null and corrected.depth < 50
),

{{ known_spans('call_id', ['versions']) }},

rooted as (
    select
        versions.*,
        corrected.corrected_id as root_transaction_id,
        spans.known_from as span_from,
        spans.known_to as span_to,
        row_number() over (
            partition by versions.transaction_id, spans.known_from order by corrected.depth desc
        ) as root_preference
    from spans
    inner join versions
        on spans.call_id = versions.call_id and {{ known_at('versions') }}
    inner join corrected
        on versions.transaction_id = corrected.transaction_id and {{ known_at('corrected') }}
    where not versions.is_deleted
),

latest_corrections as (
    select
        *,
        row_number() over (
            partition by call_id, root_transaction_id, span_from
            order by
                coalesce(corrected_at, {{ beginning() }}) desc,
                loaded_at desc,
                transaction_id desc
        ) as correction_preference
    from rooted
    where root_preference = 1
),

counted as (
    select
        *,
        row_number() over (
            partition by call_id, span_from
            order by
                case when payin is null then 1 else 0 end asc, payin desc, root_transaction_id asc
        ) as payin_preference
    from latest_corrections
    where correction_preference = 1
),

counted_with_rules as (
    select
        counted.call_id,
        counted.root_transaction_id,
        counted.transaction_id,
        counted.load_id,
        counted.campaign_id,
        counted.campaign_name,
        coalesce(campaigns.kind, 'lead_call') as kind,
        cast(case coalesce(campaigns.kind, 'lead_call')
            when 'cbm' then 'cbm_call'
            when 'lead_call' then 'lead_call'
        end as varchar(50)) as deal_type,
        coalesce(campaigns.policy, 'equal') as policy,
        campaigns.partner_id,
        counted.advertiser_id,
        cast(coalesce(
            'partner:' || campaigns.partner_id, 'advertiser:' || counted.advertiser_id
        ) as varchar(100)) as account_id,
        counted.phone,
        counted.lead_ids,
        counted.connect_seconds,
        counted.payin,
        counted.currency,
        counted.payin_preference = 1 as is_call,
        counted.started_at,
        counted.first_loaded_at,
        greatest(counted.span_from, campaigns.known_from) as known_from,
        least(counted.span_to, campaigns.known_to) as known_to
    from counted
    left join campaigns
        on
            counted.campaign_id = campaigns.campaign_id
            and counted.started_at >= campaigns.effective_from
            and counted.started_at < campaigns.effective_to
            and counted.span_from < campaigns.known_to
            and counted.span_to > campaigns.known_from
),

with_business_units as (
    select
        {%- for column in [
            'call_id', 'root_transaction_id', 'transaction_id', 'load_id', 'campaign_id',
            'campaign_name', 'kind', 'deal_type', 'policy', 'partner_id', 'advertiser_id',
            'account_id', 'phone', 'lead_ids', 'connect_seconds', 'payin', 'currency', 'is_call',
            'started_at', 'first_loaded_at',
        ] %}
            counted.{{ column }},
        {%- endfor %}
        deal_types.business_unit,
        greatest(counted.known_from, deal_types.known_from) as known_from,
        least(counted.known_to, deal_types.known_to) as known_to
    from counted_with_rules as counted
    left join deal_types
        on
            counted.deal_type = deal_types.deal_type
            and {{ overlapping('counted', 'deal_types') }}
)

select * from with_business_units
