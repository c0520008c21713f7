-- On the day of the last landing the aged amounts are what was open then of the account's invoices
-- issued by then, to the cent, and their parts are the whole (SPEC I4). What is paid or cancelled
-- with a later date was open still: a vendor may be a day ahead.
with

landed as (
    select * from {{ ref('int_invoices_landed') }}
),

aged as (
    select
        aging.account_id,
        aging.currency,
        aging.open_amount,
        aging.open_amount
        - aging.not_due_amount
        - aging.past_due_0_30_amount
        - aging.past_due_31_60_amount
        - aging.past_due_61_90_amount
        - aging.past_due_over_90_amount as unaged_amount
    from {{ ref('rpt_invoice_aging') }} as aging
    inner join landed on aging.as_of_date = landed.landed_date
    union all
    select
        invoices.account_id,
        invoices.currency,
        -invoices.open_amount
        - case
            when invoices.cancelled_date > landed.landed_date then invoices.gross_amount else 0
        end as open_amount,
        0 as unaged_amount
    from {{ ref('fct_invoices') }} as invoices
    inner join landed on invoices.invoice_date <= landed.landed_date
    union all
    select
        invoices.account_id,
        invoices.currency,
        -payments.amount as open_amount,
        0 as unaged_amount
    from {{ ref('int_invoice_payments') }} as payments
    inner join {{ ref('fct_invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
    inner join landed
        on
            invoices.invoice_date <= landed.landed_date
            and payments.paid_date > landed.landed_date
)

select
    account_id,
    currency
from aged
group by account_id, currency
having sum(open_amount) != 0 or sum(abs(unaged_amount)) != 0
