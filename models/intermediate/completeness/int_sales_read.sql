-- Purchases as now known, with the terms that now rule each, read from staging (SPEC D1, D4, D5).
with

purchases as (
    select * from {{ ref('int_purchases_read') }}
),

terms as (
    {{ live_versions(ref('stg_seeds__deal_terms')) | indent(4) }}
),

with_terms as (
    select
        purchases.*,
        terms.deal_type,
        terms.rate_basis,
        terms.rate,
        terms.min_seconds,
        row_number() over (
            partition by purchases.transaction_key
            order by
                case when terms.filter_set_id is null then 1 else 0 end asc,
                coalesce(terms.effective_from, {{ beginning() }}) desc,
                terms.source_key desc
        ) as preference
    from purchases
    left join terms
        on
            purchases.partner_id = terms.partner_id
            and (terms.filter_set_id is null or purchases.filter_set_id = terms.filter_set_id)
            and purchases.occurred_at >= coalesce(terms.effective_from, {{ beginning() }})
            and purchases.occurred_at < coalesce(terms.effective_to, {{ open_end() }})
),

sales_read as (
    select
        transaction_key,
        lead_id,
        partner_id,
        cast(case
            when is_cbm then 'cbm_call'
            else coalesce(deal_type, 'plain_lead')
        end as varchar(50)) as deal_type,
        cast(case when not is_cbm then rate_basis end as varchar(50)) as rate_basis,
        cast(case when not is_cbm then rate end as numeric(18, 6)) as rate,
        cast(case when not is_cbm then min_seconds end as bigint) as min_seconds,
        is_live,
        occurred_at
    from with_terms
    where preference = 1
)

select * from sales_read
