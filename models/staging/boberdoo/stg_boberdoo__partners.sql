{{ config(dist='all') }}
select
    source_key as partner_id,
    load_id,
    {{ json_text('partner_name', 200) }} as partner_name,
    is_deleted,
    loaded_at
from {{ source('boberdoo', 'partners') }}
{{ landed_since_last_build() }}
