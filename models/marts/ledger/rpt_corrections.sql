with

corrections as (
    select * from {{ ref('fct_corrections') }}
),

configuration as (
    select * from {{ ref('dim_configuration_changes') }}
),

-- What of the configuration became known when a correction did.
informed as (
    select
        corrections.*,
        coalesce(
            corrections.undone_reason,
            lag(corrections.undone_reason) over (
                partition by corrections.entry_key order by corrections.recorded_at
            )
        ) as ended_because,
        corrections.deal_type in ('mortgage_lead', 'msp_charge') as is_of_plan,
        campaigns.kind is not null as is_campaign_new,
        mappings.kind is not null or common_mappings.kind is not null as is_mapping_new,
        statuses.kind is not null as is_status_new
    from corrections
    left join configuration as campaigns
        on
            corrections.recorded_at = campaigns.known_at
            and corrections.campaign_id = campaigns.subject
            and campaigns.kind = 'campaign'
    left join configuration as mappings
        on
            corrections.recorded_at = mappings.known_at
            and corrections.account_id = 'partner:' || mappings.subject
            and mappings.kind = 'mapping'
    left join configuration as common_mappings
        on
            corrections.recorded_at = common_mappings.known_at
            and common_mappings.subject = '*'
            and common_mappings.kind = 'mapping'
    left join configuration as statuses
        on
            corrections.recorded_at = statuses.known_at
            and statuses.kind = 'status'
),

explained as (
    select
        *,
        case
            when 'rule_changed' in (undone_reason, booked_reason) then 'rule'
            else {{ correction_causes() }}
        end as causes
    from informed
)

select
    entry_key,
    recorded_at,
    currency,
    business_unit,
    deal_type,
    component,
    account_id,
    cast(date_trunc('month', occurred_at) as date) as occurred_month,
    posting_month,
    cast(amount_before as numeric(18, 2)) as amount_before,
    cast(amount_after as numeric(18, 2)) as amount_after,
    cast(amount_after - amount_before as numeric(18, 2)) as moved_amount,
    cast(split_part(causes, ', ', 1) as varchar(20)) as cause,
    cast(causes as varchar(200)) as causes,
    undone_reason,
    booked_reason,
    price_version_id_before,
    price_version_id_after,
    terms_version_id_before,
    terms_version_id_after,
    load_id_before,
    load_id_after
from explained
