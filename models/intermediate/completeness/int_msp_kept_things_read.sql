-- What is kept by hand of a client: its manual assets and users, and the fees of its line items.
with

months as (
    select * from {{ ref('int_msp_months_reread') }}
),

manual_assets as (
    {{ ruling_rows(ref('stg_seeds__msp_manual_assets'), ['manual_asset_id']) | indent(4) }}
),

manual_users as (
    {{ ruling_rows(ref('stg_seeds__msp_manual_users'), ['manual_user_id']) | indent(4) }}
),

line_items as (
    {{ ruling_rows(ref('stg_seeds__msp_custom_line_items'), ['line_item_id']) | indent(4) }}
),

kept_things_read as (
    {% for kind, default in {'asset': 'workstation', 'user': 'paid'}.items() -%}
        select
            bill_month,
            account_number,
            'manual_{{ kind }}:' || manual_{{ kind }}_id as line_key,
            'manual_{{ kind }}s:' || manual_{{ kind }}_id as source_key,
            lower(coalesce(billing_type, '{{ default }}')) as billed_as,
            custom_cost
        from manual_{{ kind }}s
        union all
    {% endfor -%}
    {% for kind, is_due in {
        'monthly': 'true',
        'one_off': 'one_off_year = extract(year from bill_month)'
            ~ ' and one_off_month = extract(month from bill_month)',
        'yearly': 'yearly_bill_month = extract(month from bill_month)',
    }.items() %}
        {{ 'union all' if not loop.first }}
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
)

select * from kept_things_read
