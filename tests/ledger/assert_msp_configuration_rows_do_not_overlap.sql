{{ config(severity='warn') }}
-- No two hand-kept rows of one thing are effective at once: the one with the latest effective_from
-- rules, and this names the other (SPEC R12, 3).
{%- set seeds = {
    'msp_asset_overrides': ['asset_id'],
    'msp_client_overrides': ['account_number'],
    'msp_custom_line_items': ['line_item_id'],
    'msp_device_types': ['device_type'],
    'msp_feature_overrides': ['account_number', 'feature_type'],
    'msp_manual_assets': ['manual_asset_id'],
    'msp_manual_users': ['manual_user_id'],
    'msp_user_overrides': ['account_number', 'user_id'],
} %}
with

{% for seed, key in seeds.items() -%}
    {{ seed }} as (
        {{ version_intervals(ref('stg_seeds__' ~ seed)) }}
    ),

    {{ seed }}_followed as (
        select
            cast('{{ seed }}' as varchar(100)) as seed_name,
            source_key,
            effective_to,
            lead(coalesce(effective_from, cast('0001-01-01' as date))) over (
                partition by {{ key | join(', ') }}
                order by coalesce(effective_from, cast('0001-01-01' as date))
            ) as next_effective_from
        from {{ seed }}
        where known_to = {{ open_end() }} and not is_deleted
    ),

{% endfor -%}
followed as (
    {% for seed in seeds -%}
        select * from {{ seed }}_followed
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from followed
where
    next_effective_from is not null
    and coalesce(effective_to, cast('9999-12-31' as date)) > next_effective_from
