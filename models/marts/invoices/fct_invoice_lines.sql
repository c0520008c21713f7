with

invoices as (
    select * from {{ ref('int_invoices') }}
),

item_versions as (
    select * from {{ ref('stg_billingo__items') }}
),

items as (
    {{ live_versions('item_versions') }}
),

-- A cancellation has the lines of what it cancels, negative; nothing where nothing was left.
lines as (
    select
        cast(
            invoices.invoice_id || ':' || cast(items.line_number as varchar(20)) as varchar(250)
        ) as line_id,
        cast(invoices.invoice_id as varchar(250)) as invoice_id,
        items.line_number,
        items.product_id,
        items.description,
        items.unit,
        items.vat_label,
        counted.currency,
        cast(invoices.direction * items.quantity as numeric(18, 6)) as quantity,
        items.net_unit_amount,
        cast(invoices.direction * items.net_amount as numeric(18, 2)) as net_amount,
        cast(invoices.direction * items.vat_amount as numeric(18, 2)) as vat_amount,
        cast(invoices.direction * items.gross_amount as numeric(18, 2)) as gross_amount,
        cast(invoices.direction * {{ amount_huf(
            'items.net_amount', currency='counted.currency', rate='counted.conversion_rate'
        ) }} as numeric(18, 2)) as net_amount_huf,
        cast(invoices.direction * {{ amount_huf(
            'items.vat_amount', currency='counted.currency', rate='counted.conversion_rate'
        ) }} as numeric(18, 2)) as vat_amount_huf,
        cast(invoices.direction * {{ amount_huf(
            'items.gross_amount', currency='counted.currency', rate='counted.conversion_rate'
        ) }} as numeric(18, 2)) as gross_amount_huf,
        invoices.invoice_date,
        items.loaded_at
    from invoices
    inner join invoices as counted on invoices.counted_invoice_id = counted.invoice_id
    inner join items
        on counted.company_id = items.company_id and counted.document_id = items.document_id
)

select * from lines
