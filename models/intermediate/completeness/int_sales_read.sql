-- Purchases as now known, with the terms that now rule each, read from staging (SPEC D1, D4, D5).
with

transactions as (
    select * from {{ ref('stg_boberdoo__transactions') }}
),

lead_versions as (
    select * from {{ ref('stg_boberdoo__leads') }}
    where call_id is not null
),

calls as (
    select * from {{ ref('int_calls_read') }}
    where is_counted and kind = 'cbm'
),

call_rows as (
    select * from {{ ref('stg_invoca__transactions') }}
),

campaigns as (
    select * from {{ ref('stg_seeds__call_campaigns') }}
),

type_versions as (
    select * from {{ ref('stg_seeds__transaction_types') }}
),

terms_versions as (
    select * from {{ ref('stg_seeds__deal_terms') }}
),

{% if is_incremental() %}
    {% set known = judged_through(this) %}
    touched_leads as (
        select lead_id from lead_versions
        where loaded_at > {{ known }}
        union
        select lead_versions.lead_id
        from lead_versions
        inner join call_rows on lead_versions.call_id = call_rows.call_id
        where call_rows.loaded_at > {{ known }}
        union
        select lead_versions.lead_id
        from lead_versions
        cross join campaigns
        where campaigns.loaded_at > {{ known }}
    ),

    touched as (
        select transaction_key from transactions
        where loaded_at > {{ known }}
        union
        select transactions.transaction_key
        from transactions
        inner join touched_leads on transactions.lead_id = touched_leads.lead_id
        union
        select transactions.transaction_key
        from transactions
        inner join terms_versions on transactions.partner_id = terms_versions.partner_id
        where terms_versions.loaded_at > {{ known }}
        union
        select transactions.transaction_key
        from transactions
        inner join type_versions
            on coalesce(transactions.transaction_type, '(blank)') = type_versions.transaction_type
        where type_versions.loaded_at > {{ known }}
    ),
{% endif %}

versions as (
    select
        *,
        row_number() over (partition by transaction_key order by loaded_at desc) as recency
    from transactions
    {% if is_incremental() %}
        where transaction_key in (select touched.transaction_key from touched)
    {% endif %}
),

types as (
    {{ live_versions('type_versions') | indent(4) }}
),

latest as (
    select
        versions.*,
        not versions.is_deleted
        and {{ counts_as('versions') | indent(8) }} = 'sale' as is_live
    from versions
    left join types
        on coalesce(versions.transaction_type, '(blank)') = types.transaction_type
    where versions.recency = 1
),

-- The call that a lead names last: on a CBM campaign it beats the terms (SPEC D10).
named_calls as (
    select
        lead_id,
        call_id,
        row_number() over (partition by lead_id order by loaded_at desc) as recency
    from lead_versions
    where lead_id in (select latest.lead_id from latest)
),

terms as (
    {{ live_versions('terms_versions') | indent(4) }}
),

with_terms as (
    select
        latest.transaction_key,
        latest.lead_id,
        latest.partner_id,
        latest.is_live,
        latest.occurred_at,
        calls.call_id is not null as is_cbm,
        terms.deal_type,
        terms.rate_basis,
        terms.rate,
        terms.min_seconds,
        row_number() over (
            partition by latest.transaction_key
            order by
                case when terms.filter_set_id is null then 1 else 0 end asc,
                coalesce(terms.effective_from, {{ beginning() }}) desc,
                terms.source_key desc
        ) as preference
    from latest
    left join named_calls on latest.lead_id = named_calls.lead_id and named_calls.recency = 1
    left join calls on named_calls.call_id = calls.call_id
    left join terms
        on
            latest.partner_id = terms.partner_id
            and (terms.filter_set_id is null or latest.filter_set_id = terms.filter_set_id)
            and latest.occurred_at >= coalesce(terms.effective_from, {{ beginning() }})
            and latest.occurred_at < coalesce(terms.effective_to, {{ open_end() }})
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
