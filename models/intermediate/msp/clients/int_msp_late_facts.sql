-- What became known after a month had closed, and bears on it: its bill stands, and only these
-- clients' closed months are computed again with what is known now (SPEC L9, M1).
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

{% for seed, key in {
    'msp_client_overrides': none,
    'msp_custom_line_items': none,
    'msp_manual_assets': none,
    'msp_manual_users': none,
    'msp_user_overrides': none,
    'msp_asset_overrides': 'asset_id',
    'msp_device_types': 'device_type',
}.items() %}
    {{ seed }} as (
        {{ version_intervals(ref('stg_seeds__' ~ seed)) }}
    ),

    late_{{ seed }} as (
        select distinct
            {{ 'assets' if key else seed }}.account_number,
            months.bill_month
        from months
        inner join {{ seed }}
            on
                coalesce({{ seed }}.effective_from, cast('0001-01-01' as date)) <= months.last_day
                and coalesce({{ seed }}.effective_to, cast('9999-12-31' as date)) > months.last_day
                and {{ seed }}.known_to > months.known_at
                and (
                    {{ seed }}.known_from > months.known_at
                    or {{ seed }}.known_to < {{ open_end() }}
                )
        {%- if key %}
            inner join assets on {{ seed }}.{{ key }} = assets.{{ key }}
        {%- endif %}
    ),

{% endfor %}
tickets as (
    select * from {{ ref('int_msp_tickets') }}
),

time_entries as (
    select * from {{ ref('int_msp_time_entries') }}
),

ticket_landings as (
    select
        ticket_number,
        loaded_at
    from {{ ref('stg_codex__tickets') }}
    union all
    select
        ticket_number,
        loaded_at
    from {{ ref('stg_freshservice__tickets') }}
    union all
    select
        ticket_number,
        loaded_at
    from {{ ref('stg_freshservice__time_entries') }}
),

last_landings as (
    select
        ticket_number,
        max(loaded_at) as last_loaded_at
    from ticket_landings
    group by ticket_number
),

ticket_times as (
    select distinct
        ticket_number,
        account_number,
        last_updated_at as worked_at
    from tickets
    union
    select distinct
        tickets.ticket_number,
        tickets.account_number,
        time_entries.executed_at
    from tickets
    inner join time_entries on tickets.ticket_number = time_entries.ticket_number
),

late_tickets as (
    select distinct
        ticket_times.account_number,
        months.bill_month
    from ticket_times
    inner join last_landings on ticket_times.ticket_number = last_landings.ticket_number
    inner join months
        on
            ticket_times.worked_at >= months.bill_month
            and ticket_times.worked_at < months.next_month_at
            and last_landings.last_loaded_at > months.known_at
),

late_facts as (
    {% for seed in [
        'msp_client_overrides', 'msp_custom_line_items', 'msp_manual_assets', 'msp_manual_users',
        'msp_user_overrides', 'msp_asset_overrides', 'msp_device_types',
    ] -%}
        select
            account_number,
            bill_month,
            1 as is_configuration
        from late_{{ seed }}
        union all
    {% endfor -%}
    select
        account_number,
        bill_month,
        0 as is_configuration
    from late_tickets
),

late_client_months as (
    select
        account_number,
        bill_month,
        max(is_configuration) as is_configuration
    from late_facts
    where account_number is not null
    group by account_number, bill_month
),

late_client_years as (
    select distinct
        account_number,
        extract(year from bill_month) as bill_year
    from late_client_months
),

-- A late hour moves the yearly pool of the whole year.
months_to_compare as (
    select
        late_client_years.account_number,
        months.bill_month,
        coalesce(late_client_months.is_configuration, 0) = 1 as is_configuration_late,
        false as is_final
    from late_client_years
    inner join months on late_client_years.bill_year = extract(year from months.bill_month)
    left join late_client_months
        on
            late_client_years.account_number = late_client_months.account_number
            and months.bill_month = late_client_months.bill_month
)

select * from months_to_compare
