-- Rows of Invoca as now known, read from staging: of a call one row counts, the latest correction
-- with the largest payin (SPEC D9).
with recursive

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

campaigns as (
    select * from {{ ref('stg_seeds__call_campaigns') }}
),

{% if is_incremental() %}
    {% set known = judged_through(this) %}
    -- All calls that a row has ever been one of: it may have moved.
    touched as (
        select call_id from call_rows
        where
            transaction_id in (
                select landed.transaction_id from call_rows as landed
                where landed.loaded_at > {{ known }}
            )
        union
        select call_rows.call_id
        from call_rows
        inner join campaigns on call_rows.campaign_id = campaigns.campaign_id
        where campaigns.loaded_at > {{ known }}
    ),
{% endif %}

versions as (
    select
        *,
        row_number() over (partition by transaction_id order by loaded_at desc) as recency
    from call_rows
    {% if is_incremental() %}
        where transaction_id in (
            select of_calls.transaction_id from call_rows as of_calls
            inner join touched on of_calls.call_id = touched.call_id
        )
    {% endif %}
),

latest as (
    select
        *,
        coalesce(lower(transaction_type) = 'call', false) as is_call_row
    from versions
    where
        recency = 1
        {% if is_incremental() %}
            and call_id in (select touched.call_id from touched)
        {% endif %}
),

-- What a row corrects, and what that corrects, up to the root, which may never have landed.
corrections (transaction_id, corrected_id, depth) as (
    select
        transaction_id,
        cast(transaction_id as varchar(100)) as corrected_id,
        cast(0 as integer) as depth
    from latest
    where is_call_row
    union all
    select
        corrections.transaction_id,
        cast(latest.corrects_transaction_id as varchar(100)) as corrected_id,
        cast(corrections.depth + 1 as integer) as depth
    from corrections
    inner join latest on corrections.corrected_id = latest.transaction_id
    where
        latest.is_call_row
        and latest.corrects_transaction_id is not null
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
        latest.*,
        roots.root_id,
        row_number() over (
            partition by latest.call_id, roots.root_id
            order by
                coalesce(latest.corrected_at, {{ beginning() }}) desc,
                latest.loaded_at desc,
                latest.transaction_id desc
        ) as correction_preference
    from latest
    inner join roots on latest.transaction_id = roots.transaction_id and roots.preference = 1
    where latest.is_call_row and not latest.is_deleted
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

latest_campaigns as (
    {{ live_versions('campaigns') | indent(4) }}
),

rules as (
    select
        ranked.transaction_id,
        latest_campaigns.kind,
        latest_campaigns.partner_id,
        row_number() over (
            partition by ranked.transaction_id
            order by
                coalesce(latest_campaigns.effective_from, {{ beginning() }}) desc,
                latest_campaigns.source_key desc
        ) as preference
    from ranked
    inner join latest_campaigns
        on
            ranked.campaign_id = latest_campaigns.campaign_id
            and ranked.started_at
            >= coalesce(latest_campaigns.effective_from, {{ beginning() }})
            and ranked.started_at < coalesce(latest_campaigns.effective_to, {{ open_end() }})
),

calls_read as (
    select
        latest.call_id,
        latest.transaction_id,
        latest.phone,
        latest.lead_ids,
        latest.connect_seconds,
        latest.payin,
        cast(coalesce(latest.currency, '{{ var("currency") }}') as varchar(3)) as currency,
        cast(coalesce(rules.kind, 'lead_call') as varchar(50)) as kind,
        rules.partner_id,
        cast(case
            when latest.is_deleted then null
            when not latest.is_call_row and latest.payin = 0 then 'zero'
            when lower(coalesce(latest.transaction_type, '')) != 'call' then 'out_of_scope'
            when ranked.correction_preference > 1 then 'superseded'
            when ranked.payin_preference > 1 then 'duplicate'
            when latest.payin = 0 then 'zero'
            when rules.kind = 'transfer' then 'paid_by_terms'
        end as varchar(50)) as no_money_reason,
        not latest.is_deleted as is_live,
        coalesce(ranked.payin_preference = 1, false) as is_counted,
        latest.started_at
    from latest
    left join ranked on latest.transaction_id = ranked.transaction_id
    left join rules on latest.transaction_id = rules.transaction_id and rules.preference = 1
)

select * from calls_read
