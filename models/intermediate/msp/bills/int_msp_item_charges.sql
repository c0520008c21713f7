-- The fees of an item are independent of each other and of the client's plan (SPEC M9).
with

months as (
    select * from {{ ref('int_msp_months') }}
),

client_months as (
    select * from {{ ref('int_msp_client_months') }}
    where has_lines
),

line_items as (
    {{ ruling_rows(ref('stg_seeds__msp_custom_line_items'), ['line_item_id']) | indent(4) }}
),

items_in_months as (
    select
        client_months.basis,
        client_months.bill_month,
        client_months.account_number,
        line_items.line_item_id,
        line_items.item_name,
        line_items.monthly_fee,
        case
            when
                line_items.one_off_year = extract(year from client_months.bill_month)
                and line_items.one_off_month = extract(month from client_months.bill_month)
                then line_items.one_off_fee
        end as one_off_fee,
        case
            when line_items.yearly_bill_month = extract(month from client_months.bill_month)
                then line_items.yearly_fee
        end as yearly_fee
    from client_months
    inner join line_items
        on
            client_months.account_number = line_items.account_number
            and client_months.basis = line_items.basis
            and client_months.bill_month = line_items.bill_month
),

item_charges as (
    {% for kind in ['monthly', 'one_off', 'yearly'] -%}
        select
            basis,
            bill_month,
            account_number,
            cast('item:' || line_item_id || ':{{ kind }}' as varchar(200)) as line_key,
            cast('item_{{ kind }}' as varchar(50)) as kind,
            line_item_id as source_id,
            item_name as name,
            {{ kind }}_fee as rate,
            cast(round({{ kind }}_fee, 2) as numeric(18, 2)) as amount
        from items_in_months
        where {{ kind }}_fee is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from item_charges
