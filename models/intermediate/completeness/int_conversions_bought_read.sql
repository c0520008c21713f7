-- What the partner bought of the lead; of several sales, the earliest that is paid on conversion.
with

pairs as (
    select * from {{ ref('int_conversion_pairs_rejudged') }}
),

deal_types as (
    {{ live_versions(ref('stg_seeds__deal_types')) | indent(4) }}
),

sales as (
    select
        sales.*,
        case
            when deal_types.deal_type is null then null
            when deal_types.paid_on is not null then deal_types.paid_on
            when deal_types.deal_type in ('cpa', 'cpt', 'warm_transfer') then 'conversion'
            else 'sale'
        end as paid_on
    from {{ ref('int_sales_read') }} as sales
    left join deal_types on sales.deal_type = deal_types.deal_type
    where sales.is_live and sales.occurred_at is not null
),

bought as (
    select
        pairs.event_id,
        pairs.lead_id,
        sales.paid_on,
        sales.deal_type = 'cpt' and coalesce(sales.rate_basis, '') = 'per_transfer'
            as is_paid_by_call,
        row_number() over (
            partition by pairs.event_id, pairs.lead_id
            order by
                case sales.paid_on when 'conversion' then 0 when 'sale' then 2 else 1 end asc,
                sales.occurred_at asc,
                sales.transaction_key asc
        ) as preference
    from pairs
    inner join sales on pairs.lead_id = sales.lead_id and pairs.partner_id = sales.partner_id
)

select * from bought
where preference = 1
