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
        greatest(devices.known_from, site_variables.known_from) as known_from,
        least(devices.known_to, site_variables.known_to) as known_to
    from devices
    inner join site_variables
        on
            devices.site_uid = site_variables.site_uid
            and devices.known_from < site_variables.known_to
            and devices.known_to > site_variables.known_from
)

select * from device_versions
