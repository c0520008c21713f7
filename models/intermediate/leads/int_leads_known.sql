{{ config(indexes=[
    {'columns': ['lead_id']},
    {'columns': ['call_id']},
    {'columns': ['phone']},
    {'columns': ['email']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

stg_boberdoo__leads as (
    select * from {{ ref('stg_boberdoo__leads') }}
),

versions as (
    select * from stg_boberdoo__leads
    {% if is_incremental() %}
        where lead_id in (
            select landed.lead_id from stg_boberdoo__leads as landed
            where landed.loaded_at > {{ watermark(this) }}
        )
    {% endif %}
),

-- boberdoo blanks what it has held for long: the last value that was not blank counts (SPEC R10).
numbered_values as (
    select
        *,
        {% for name in ['phone', 'email', 'call_id', 'created_at'] %}
            count({{ name }}) over (
                partition by lead_id order by loaded_at rows unbounded preceding
            ) as {{ name }}_number,
        {% endfor %}
        coalesce(lead(loaded_at) over (
            partition by lead_id order by loaded_at
        ), {{ open_end() }}) as known_to
    from versions
),

leads_known as (
    select
        lead_id,
        load_id,
        lead_type,
        lead_source,
        lead_campaign,
        {% for name in ['phone', 'email', 'call_id', 'created_at'] %}
            max({{ name }}) over (partition by lead_id, {{ name }}_number) as {{ name }},
        {% endfor %}
        loaded_at as known_from,
        known_to
    from numbered_values
)

select * from leads_known
