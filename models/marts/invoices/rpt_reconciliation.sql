{% set invoiced_by = dbt.dateadd(
    'day', var('invoicing_days'), dbt.dateadd('month', 1, 'account_months.billing_month')
) %}
with

account_months as (
    select * from {{ ref('int_account_months') }}
),

landed as (
    select * from {{ ref('int_invoices_landed') }}
),

-- Months whose differences together are nothing: what one is short of, another has too much of.
offset_months as (
    select distinct
        months.account_id,
        months.billing_month,
        months.currency
    from account_months as months
    inner join account_months as firsts
        on
            months.account_id = firsts.account_id
            and months.currency = firsts.currency
            and months.billing_month >= firsts.billing_month
            and firsts.difference_amount != 0
    inner join account_months as lasts
        on
            firsts.account_id = lasts.account_id
            and firsts.currency = lasts.currency
            and months.billing_month <= lasts.billing_month
            and firsts.difference_to_date - firsts.difference_amount = lasts.difference_to_date
),

-- Booked in one currency, invoiced in another.
currency_months as (
    select
        account_id,
        billing_month
    from account_months
    where difference_amount != 0
    group by account_id, billing_month
    having count(*) > 1 and min(difference_amount) < 0 and max(difference_amount) > 0
),

classified_months as (
    select
        account_months.account_id,
        account_months.billing_month,
        account_months.currency,
        account_months.ledger_amount,
        account_months.invoiced_amount,
        account_months.invoiced_gross_amount,
        account_months.paid_amount,
        account_months.difference_amount,
        cast(
            account_months.invoiced_gross_amount - account_months.paid_amount as numeric(18, 2)
        ) as unpaid_amount,
        cast(case
            when account_months.difference_amount = 0 then 'matched'
            when currency_months.account_id is not null then 'currency'
            when offset_months.account_id is not null then 'timing'
            when
                account_months.difference_amount > 0 and {{ invoiced_by }} > landed.landed_date
                then 'timing'
            when account_months.difference_amount > 0 then 'not_invoiced'
            else 'over_invoiced'
        end as varchar(20)) as reconciliation_class
    from account_months
    cross join landed
    left join currency_months
        on
            account_months.account_id = currency_months.account_id
            and account_months.billing_month = currency_months.billing_month
    left join offset_months
        on
            account_months.account_id = offset_months.account_id
            and account_months.billing_month = offset_months.billing_month
            and account_months.currency = offset_months.currency
)

select * from classified_months
