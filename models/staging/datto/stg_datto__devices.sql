{% set backup_bytes = json_nested_text('udf', 'udf6', 100) %}
select
    tenant,
    source_key,
    load_id,
    {{ json_text('uid', 100) }} as device_uid,
    {{ json_text('siteUid', 100) }} as site_uid,
    {{ json_text('hostname') }} as hostname,
    case
        when {{ backup_bytes }} ~ '^[0-9]{1,18}$' then cast({{ backup_bytes }} as bigint)
    end as backup_bytes,
    is_deleted,
    loaded_at
from {{ source('datto', 'devices') }}
