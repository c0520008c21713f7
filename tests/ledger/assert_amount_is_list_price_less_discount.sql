-- What is billed is the list price less the discount, exactly, and a discount is never more than
-- the price nor less than nothing (SPEC L13, L14).
select * from {{ ref('fct_ledger_entries') }}
where
    {{ recorded_lately() }}
    and (
        amount != list_amount - discount_amount
        or abs(discount_amount) > abs(list_amount)
        or discount_amount * list_amount < 0
    )
