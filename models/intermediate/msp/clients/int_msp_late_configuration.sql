-- What is kept by hand and bears on a closed month, and became known, or changed, after its close.
{%- set seeds_of_assets = {
    'asset_id': ref('stg_seeds__msp_asset_overrides'),
    'device_type': ref('stg_seeds__msp_device_types'),
} %}
with

months as (
    select * from {{ ref('int_msp_months') }}
    where is_final
),

assets as (
    select distinct
        asset_id,
        account_number,
        {{ folded('device_type') }} as device_type
    from {{ ref('stg_codex__assets') }}
),

configuration as (
    {% for seed in [
        ref('stg_seeds__msp_client_overrides'),
        ref('stg_seeds__msp_custom_line_items'),
        ref('stg_seeds__msp_manual_assets'),
        ref('stg_seeds__msp_manual_users'),
        ref('stg_seeds__msp_user_overrides'),
    ] -%}
        select
            account_number,
            effective_from,
            effective_to,
            known_from,
            known_to
        from ({{ version_intervals(seed) | indent(8) }}) as versions
        union all
    {% endfor -%}
    {% for key, seed in seeds_of_assets.items() -%}
        {{ 'union all' if not loop.first }}
        select
            assets.account_number,
            versions.effective_from,
            versions.effective_to,
            versions.known_from,
            versions.known_to
        from ({{ version_intervals(seed) | indent(8) }}) as versions
        inner join assets on versions.{{ key }} = assets.{{ key }}
    {% endfor %}
),

late_configuration as (
    select distinct
        configuration.account_number,
        months.bill_month
    from months
    inner join configuration
        on
            coalesce(configuration.effective_from, cast('0001-01-01' as date)) <= months.last_day
            and coalesce(configuration.effective_to, cast('9999-12-31' as date)) > months.last_day
            and months.known_at < configuration.known_to
            and (
                months.known_at < configuration.known_from
                or configuration.known_to < {{ open_end() }}
            )
    where configuration.account_number is not null
)

select * from late_configuration
