{{ config(meta={'changes_of': 'int_refunds_judged'}) }}
{%- set known = last_known('int_refunds_judged') -%}

-- Where a fact was before it moved is judged again, too: its last version there has ended.
select pair from {{ ref('int_transactions_known') }}
where {{ changed_since(known) }}
union
select pair from {{ ref('int_sales_typed') }}
where {{ changed_since(known) }}
