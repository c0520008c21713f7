{% set reasons = {
    'no_amount': 'net_amount is null or vat_amount is null or gross_amount is null',
    'no_rate': 'gross_amount is not null and gross_amount_huf is null',
    'no_partner': 'partner_id is null',
    'unknown_original': 'is_cancellation and cancels_invoice_id is null',
    'nothing_to_cancel': 'cancels_invoice_id is not null and direction = 0',
} %}
with

invoices as (
    select * from {{ ref('int_invoices') }}
),

exceptions as (
    {% for reason, condition in reasons.items() -%}
        select
            cast(invoice_id || ':{{ reason }}' as varchar(300)) as exception_id,
            cast(invoice_id as varchar(250)) as invoice_id,
            cast('{{ reason }}' as varchar(50)) as reason,
            invoice_number,
            document_type,
            currency,
            conversion_rate,
            gross_amount,
            invoice_date,
            loaded_at as since
        from invoices
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from exceptions
