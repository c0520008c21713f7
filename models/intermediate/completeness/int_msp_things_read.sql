-- What a client has in each closed month, and at which rate, read from staging (SPEC M1-M5, M9).
{%- set rated = {
    'workstation': 'per_workstation_cost', 'server': 'per_server_cost', 'vm': 'per_vm_cost',
    'switch': 'per_switch_cost', 'firewall': 'per_firewall_cost', 'paid': 'per_user_cost',
} %}
{%- set seeds = {
    'client_overrides': (ref('stg_seeds__msp_client_overrides'), ['account_number']),
    'asset_overrides': (ref('stg_seeds__msp_asset_overrides'), ['asset_id']),
    'device_types': (ref('stg_seeds__msp_device_types'), ['device_type']),
    'user_overrides': (ref('stg_seeds__msp_user_overrides'), ['account_number', 'user_id']),
    'manual_assets': (ref('stg_seeds__msp_manual_assets'), ['manual_asset_id']),
    'manual_users': (ref('stg_seeds__msp_manual_users'), ['manual_user_id']),
    'line_items': (ref('stg_seeds__msp_custom_line_items'), ['line_item_id']),
} %}
{%- set first_day = "cast('" ~ var('msp_first_month') ~ "-01' as date)" %}
{%- set staged = {
    'companies': ref('stg_codex__companies'), 'plans': ref('stg_codex__plans'),
    'assets': ref('stg_codex__assets'), 'users': ref('stg_codex__contacts'),
} %}
with

landings as (
    select max(loaded_at) as now_at from {{ source('books', 'load_runs') }}
    where status in ('completed', 'partial')
),

beginnings as (
    select min(loaded_at) as first_loaded_at from {{ ref('stg_codex__companies') }}
),

month_ends as (
    select
        cast({{ dbt.dateadd('month', 'number - 1', first_day) }} as date) as bill_month,
        cast({{ dbt.dateadd('month', 'number', first_day) }} as timestamp) as next_month_at
    from {{ numbers(240) }} as numbers
),

closed_months as (
    select
        'bill' as basis,
        month_ends.bill_month,
        cast({{ dbt.dateadd('day', -1, 'month_ends.next_month_at') }} as date) as last_day,
        greatest(
            {{ dbt.dateadd('second', -1, 'month_ends.next_month_at') }}, beginnings.first_loaded_at
        ) as as_of_at,
        greatest(
            {{ dbt.dateadd('day', var('msp_close_days'), 'month_ends.next_month_at') }},
            beginnings.first_loaded_at
        ) as known_at
    from month_ends
    cross join landings
    cross join beginnings
    where
        landings.now_at
        >= {{ dbt.dateadd('day', var('msp_close_days'), 'month_ends.next_month_at') }}
),

months as (
    select * from closed_months
    {% if is_incremental() %}
        where known_at > {{ judged_through(this) }}
    {% endif %}
),

{% for name, (seed, key) in seeds.items() -%}
    {{ name }} as (
        {{ ruling_rows(seed, key) | indent(8) }}
    ),

{% endfor -%}
{% for name, versions in staged.items() -%}
    {{ name }} as (
        select
            months.bill_month,
            versions.*
        from months
        inner join (
            {{ version_intervals(versions) | indent(12) }}
        ) as versions on {{ version_known_at('versions', 'months.as_of_at') }}
    ),

{% endfor -%}
-- Of two plans of one name, any: they bill alike, or the client is held.
clients as (
    select
        companies.bill_month,
        companies.account_number,
        coalesce(max(override_plans.plan_id), max(company_plans.plan_id)) as plan_id
    from companies
    left join client_overrides
        on
            companies.bill_month = client_overrides.bill_month
            and companies.account_number = client_overrides.account_number
    left join plans as override_plans
        on
            companies.bill_month = override_plans.bill_month
            and client_overrides.billing_plan = override_plans.plan_name
            and companies.term = override_plans.term
    left join plans as company_plans
        on
            companies.bill_month = company_plans.bill_month
            and companies.billing_plan = company_plans.plan_name
            and companies.term = company_plans.term
    group by companies.bill_month, companies.account_number
),

rates as (
    {% for type, rate in rated.items() %}
        {{ 'union all' if not loop.first }}
        select
            clients.bill_month,
            clients.account_number,
            '{{ type }}' as billed_as,
            coalesce(client_overrides.{{ rate }}, plans.{{ rate }}, 0) as rate
        from clients
        inner join plans
            on clients.bill_month = plans.bill_month and clients.plan_id = plans.plan_id
        left join client_overrides
            on
                clients.bill_month = client_overrides.bill_month
                and clients.account_number = client_overrides.account_number
    {% endfor %}
),

things as (
    select
        assets.bill_month,
        assets.account_number,
        'asset:' || assets.asset_id as line_key,
        'assets:' || assets.asset_id as source_key,
        lower(coalesce(
            asset_overrides.billing_type, assets.billing_type, device_types.billing_type,
            'workstation'
        )) as billed_as,
        case
            when asset_overrides.billing_type is not null then asset_overrides.custom_cost
            else assets.custom_cost
        end as custom_cost
    from assets
    left join asset_overrides
        on
            assets.bill_month = asset_overrides.bill_month
            and assets.asset_id = asset_overrides.asset_id
    left join device_types
        on
            assets.bill_month = device_types.bill_month
            and lower(assets.device_type) = device_types.device_type
    union all
    select
        users.bill_month,
        users.account_number,
        'user:' || users.user_id as line_key,
        'users:' || users.user_id as source_key,
        lower(coalesce(user_overrides.billing_type, users.billing_type, 'paid')) as billed_as,
        case
            when user_overrides.billing_type is not null then user_overrides.custom_cost
            else users.custom_cost
        end as custom_cost
    from users
    left join user_overrides
        on
            users.bill_month = user_overrides.bill_month
            and users.account_number = user_overrides.account_number
            and users.user_id = user_overrides.user_id
    where users.is_active
    {% for kind, default in {'asset': 'workstation', 'user': 'paid'}.items() %}
        union all
        select
            bill_month,
            account_number,
            'manual_{{ kind }}:' || manual_{{ kind }}_id as line_key,
            'manual_{{ kind }}s:' || manual_{{ kind }}_id as source_key,
            lower(coalesce(billing_type, '{{ default }}')) as billed_as,
            custom_cost
        from manual_{{ kind }}s
    {% endfor %}
    {% for kind, is_due in {
        'monthly': 'true',
        'one_off': 'one_off_year = extract(year from bill_month)'
            ~ ' and one_off_month = extract(month from bill_month)',
        'yearly': 'yearly_bill_month = extract(month from bill_month)',
    }.items() %}
        union all
        select
            bill_month,
            account_number,
            'item:' || line_item_id || ':{{ kind }}' as line_key,
            'line_items:' || line_item_id as source_key,
            'custom' as billed_as,
            {{ kind }}_fee as custom_cost
        from line_items
        where {{ kind }}_fee is not null and {{ is_due }}
    {% endfor %}
),

things_read as (
    select
        clients.bill_month,
        clients.account_number,
        cast(things.line_key as varchar(200)) as line_key,
        cast(things.source_key as varchar(200)) as source_key,
        cast(things.billed_as as varchar(100)) as billed_as,
        cast(round(case
            when things.billed_as in ('no charge', 'free') then 0
            when things.billed_as = 'custom' then coalesce(things.custom_cost, 0)
            else rates.rate
        end, 2) as numeric(18, 2)) as amount
    from clients
    inner join things
        on
            clients.bill_month = things.bill_month
            and clients.account_number = things.account_number
    left join rates
        on
            things.bill_month = rates.bill_month
            and things.account_number = rates.account_number
            and things.billed_as = rates.billed_as
)

select * from things_read
