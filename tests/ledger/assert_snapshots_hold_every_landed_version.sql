-- What was once landed can always be found again: the snapshots hold exactly the intervals that it
-- implies (SPEC L12). If not: `ledgerhouse replay-snapshots`.
{%- set streams = [
    'billing_db__product_prices',
    'billing_db__subscription_plans',
    'codex__assets',
    'codex__companies',
    'codex__contacts',
    'codex__plans',
    'seeds__call_campaigns',
    'seeds__deal_terms',
    'seeds__deal_types',
    'seeds__disposition_map',
    'seeds__disposition_statuses',
] %}
with

landed as (
    {% for stream in streams -%}
        select
            cast('{{ stream }}' as varchar(100)) as stream_name,
            tenant,
            source_key,
            loaded_at as known_from,
            coalesce(lead(loaded_at) over (
                partition by tenant, source_key order by loaded_at
            ), {{ open_end() }}) as known_to
        from {{ ref('stg_' ~ stream) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

kept as (
    {% for stream in streams -%}
        select
            cast('{{ stream }}' as varchar(100)) as stream_name,
            tenant,
            source_key,
            known_from,
            known_to
        from {{ ref('snap_' ~ stream) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    coalesce(landed.stream_name, kept.stream_name) as stream_name,
    coalesce(landed.source_key, kept.source_key) as source_key,
    landed.known_to as landed_until,
    kept.known_to as kept_until
from landed
full outer join kept
    on
        landed.stream_name = kept.stream_name
        and landed.tenant = kept.tenant
        and landed.source_key = kept.source_key
        and landed.known_from = kept.known_from
where landed.known_to is null or kept.known_to is null or landed.known_to != kept.known_to
