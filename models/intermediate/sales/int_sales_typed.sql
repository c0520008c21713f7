with

sales as (
    select * from {{ ref('int_sales_linked') }}
),

terms as (
    select * from {{ ref('int_deal_terms_timeline') }}
),

deal_types as (
    select * from {{ ref('int_deal_types_timeline') }}
),

filter_sets_with_terms as (
    select distinct terms_key from terms
),

-- A CBM link beats the terms (SPEC D10); a filter set without any of its own has its partner's.
with_terms as (
    select
        sales.*,
        cast(case
            when sales.call_id is not null then 'cbm_call'
            else coalesce(terms.deal_type, 'plain_lead')
        end as varchar(50)) as deal_type,
        {%- for name, type in {
            'terms_version_id': 'varchar(200)', 'rate_basis': 'varchar(50)',
            'rate': 'numeric(18, 6)', 'min_seconds': 'bigint',
            'expected_conversion_rate': 'numeric(18, 6)',
        }.items() %}
            cast(case
                when sales.call_id is null then terms.{{ name }}
            end as {{ type }}) as {{ name }},
        {%- endfor %}
        greatest(sales.known_from, terms.known_from) as terms_known_from,
        least(sales.known_to, terms.known_to) as terms_known_to
    from sales
    left join filter_sets_with_terms
        on
            sales.partner_id || '|' || coalesce(sales.filter_set_id, '')
            = filter_sets_with_terms.terms_key
    left join terms
        on
            coalesce(filter_sets_with_terms.terms_key, sales.partner_id || '|') = terms.terms_key
            and sales.occurred_at >= terms.effective_from
            and sales.occurred_at < terms.effective_to
            and {{ overlapping('sales', 'terms') }}
),

typed as (
    select
        {%- for column in [
            'transaction_key', 'entry_key', 'pair', 'load_id', 'lead_id', 'partner_id',
            'filter_set_id', 'lead_type', 'call_id', 'amount', 'currency', 'is_sold',
            'terms_version_id', 'deal_type', 'rate_basis', 'rate', 'min_seconds',
            'expected_conversion_rate',
        ] %}
            with_terms.{{ column }},
        {%- endfor %}
        deal_types.business_unit,
        -- Null where nobody said what the deal type is (SPEC D4a).
        case
            when deal_types.business_unit is not null then deal_types.paid_on = 'conversion'
        end as is_paid_on_conversion,
        -- The call itself converts; with a warm transfer it is the broker's sale that pays.
        with_terms.deal_type = 'cpt'
        and coalesce(with_terms.rate_basis, '') = 'per_transfer'
        and coalesce(deal_types.paid_on, 'conversion') = 'conversion' as is_paid_by_call,
        cast(case
            when with_terms.occurred_at is null then 'no_occurred_at'
            when with_terms.lead_id is null then 'no_lead'
            when with_terms.partner_id is null then 'no_account'
            when deal_types.business_unit is null then 'unknown_deal_type'
            when with_terms.amount is null then 'bad_amount'
        end as varchar(50)) as exception_reason,
        with_terms.occurred_at,
        greatest(with_terms.terms_known_from, deal_types.known_from) as known_from,
        least(with_terms.terms_known_to, deal_types.known_to) as known_to
    from with_terms
    left join deal_types
        on
            with_terms.deal_type = deal_types.deal_type
            and with_terms.terms_known_from < deal_types.known_to
            and with_terms.terms_known_to > deal_types.known_from
)

select * from typed
