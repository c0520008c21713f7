-- What of the configuration decides amounts without leaving a version on the entry.
with

changes as (
    select
        'campaign' as kind,
        campaign_id as subject,
        known_from as known_at
    from {{ ref('int_call_campaigns_timeline') }}
    union
    select
        'mapping' as kind,
        split_part(map_key, '|', 1) as subject,
        known_from as known_at
    from {{ ref('int_disposition_map_timeline') }}
    union
    select
        'status' as kind,
        'all' as subject,
        known_from as known_at
    from {{ ref('int_disposition_statuses_timeline') }}
)

select
    cast(kind as varchar(20)) as kind,
    cast(subject as varchar(200)) as subject,
    known_at
from changes
