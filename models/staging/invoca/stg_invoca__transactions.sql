{%- set parameter = 'dynamic_number_pool_referrer_param' %}
with

transactions as (
    select
        source_key as transaction_id,
        load_id,
        -- A row of no call is a call of its own, which is never booked (SPEC L8).
        cast(coalesce(
            {{ json_text('complete_call_id', 100) }}, 'no call: ' || source_key
        ) as varchar(100)) as call_id,
        {{ json_text('transaction_type', 50) }} as transaction_type,
        {{ json_text('corrects_transaction_id', 100) }} as corrects_transaction_id,
        {{ json_text('advertiser_campaign_id', 100) }} as campaign_id,
        {{ json_text('advertiser_campaign_name', 200) }} as campaign_name,
        coalesce(
            {{ json_text('advertiser_id_from_network', 50) }}, {{ json_text('advertiser_id', 50) }}
        ) as advertiser_id,
        {{ json_text('advertiser_name', 200) }} as advertiser_name,
        {{ phone_digits(json_text('calling_phone_number')) }} as phone,
        -- A lead id rides on a ring pool's parameter or on a custom column of that name.
        cast(translate(
            coalesce({{ json_text('lead_id') }}, '')
            || ',' || coalesce({{ json_text('lead_ids') }}, '')
            {%- for number in range(1, 26) %}
                || case
                    when
                        lower({{ json_text(parameter ~ number ~ '_name', 50) }})
                        in ('lead_id', 'lead_ids')
                        then ',' || coalesce({{ json_text(parameter ~ number ~ '_value') }}, '')
                    else ''
                end
            {%- endfor %}, ';| ', ',,,'
        ) as varchar(2000)) as lead_ids,
        {{ json_number('connect_duration', 'bigint') }} as connect_seconds,
        cast(case
            when {{ json_text('advertiser_payin_localized', 100) }} is null then 0
            else {{ localized_amount(json_text('advertiser_payin_localized', 100)) }}
        end as numeric(18, 2)) as payin,
        {{ localized_currency(json_text('advertiser_payin_localized', 100)) }} as currency,
        is_deleted,
        {{ json_timestamp('corrected_at', var('invoca_time_zone')) }} as corrected_at,
        {{ epoch_timestamp(json_number('start_time_utc', 'bigint')) }} as started_at,
        loaded_at
    from {{ source('invoca', 'transactions') }}
    {{ landed_since_last_build() }}
)

select * from transactions
