-- What Datto knows of each account's devices; the site's variable says whose they are.
with

devices as (
    {{ version_intervals(ref('stg_datto__devices')) }}
),

site_variables as (
    {{ version_intervals(ref('stg_datto__site_variables')) }}
),

device_versions as (
    select
        devices.device_uid,
        site_variables.account_number,
        {{ folded('devices.hostname') }} as hostname,
        devices.backup_bytes,
        devices.is_deleted or site_variables.is_deleted as is_deleted,
        greatest(devices.valid_from, site_variables.valid_from) as valid_from,
        least(devices.valid_to, site_variables.valid_to) as valid_to
    from devices
    inner join site_variables
        on
            devices.site_uid = site_variables.site_uid
            and devices.valid_from < site_variables.valid_to
            and devices.valid_to > site_variables.valid_from
)

select * from device_versions
