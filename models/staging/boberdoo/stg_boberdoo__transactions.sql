{{ config(indexes=[
    {'columns': ['lead_id', 'partner_id']},
    {'columns': ['transaction_key']},
    {'columns': ['loaded_at']},
]) }}
select
    source_key as transaction_key,
    load_id,
    cast({{ folded(json_text('transaction_type', 50)) }} as varchar(50)) as transaction_type,
    {{ json_text('lead_id', 100) }} as lead_id,
    {{ json_text('partner_id', 50) }} as partner_id,
    {{ json_text('filter_set_id', 50) }} as filter_set_id,
    {{ json_text('lead_type', 50) }} as lead_type,
    {{ localized_amount(json_text('amount', 100)) }} as amount,
    {{ localized_currency(json_text('amount', 100)) }} as currency,
    is_deleted,
    {{ json_timestamp('transaction_date', var('boberdoo_time_zone')) }} as occurred_at,
    loaded_at
from {{ source('boberdoo', 'transactions') }}
{{ landed_since_last_build() }}
