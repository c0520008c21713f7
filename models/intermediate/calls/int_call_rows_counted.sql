with

call_rows as (
    select * from {{ ref('int_call_rows_ranked') }}
),

campaigns as (
    select * from {{ ref('int_call_campaigns_timeline') }}
),

deal_types as (
    select * from {{ ref('int_deal_types_timeline') }}
    where deal_type in ('cbm_call', 'lead_call')
),

with_campaigns as (
    select
        call_rows.call_id,
        call_rows.root_transaction_id,
        call_rows.transaction_id,
        call_rows.load_id,
        call_rows.campaign_id,
        call_rows.campaign_name,
        coalesce(campaigns.kind, 'lead_call') as kind,
        cast(case coalesce(campaigns.kind, 'lead_call')
            when 'cbm' then 'cbm_call'
            when 'lead_call' then 'lead_call'
        end as varchar(50)) as deal_type,
        coalesce(campaigns.policy, 'equal') as policy,
        campaigns.partner_id,
        call_rows.advertiser_id,
        cast(coalesce(
            'partner:' || campaigns.partner_id, 'advertiser:' || call_rows.advertiser_id
        ) as varchar(100)) as account_id,
        call_rows.phone,
        call_rows.lead_ids,
        call_rows.connect_seconds,
        call_rows.payin,
        call_rows.currency,
        call_rows.payin_preference = 1 as is_call,
        call_rows.started_at,
        call_rows.first_loaded_at,
        greatest(call_rows.known_from, campaigns.known_from) as known_from,
        least(call_rows.known_to, campaigns.known_to) as known_to
    from call_rows
    left join campaigns
        on
            call_rows.campaign_id = campaigns.campaign_id
            and call_rows.started_at >= campaigns.effective_from
            and call_rows.started_at < campaigns.effective_to
            and {{ overlapping('call_rows', 'campaigns') }}
),

with_business_units as (
    select
        {%- for column in [
            'call_id', 'root_transaction_id', 'transaction_id', 'load_id', 'campaign_id',
            'campaign_name', 'kind', 'deal_type', 'policy', 'partner_id', 'advertiser_id',
            'account_id', 'phone', 'lead_ids', 'connect_seconds', 'payin', 'currency', 'is_call',
            'started_at', 'first_loaded_at',
        ] %}
            call_rows.{{ column }},
        {%- endfor %}
        deal_types.business_unit,
        greatest(call_rows.known_from, deal_types.known_from) as known_from,
        least(call_rows.known_to, deal_types.known_to) as known_to
    from with_campaigns as call_rows
    left join deal_types
        on
            call_rows.deal_type = deal_types.deal_type
            and {{ overlapping('call_rows', 'deal_types') }}
)

select * from with_business_units
