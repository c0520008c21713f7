{{ config(indexes=[
    {'columns': ['entry_key']},
    {'columns': ['transaction_key']},
    {'columns': ['lead_id', 'partner_id']},
    {'columns': ['pair']},
    {'columns': ['known_from']},
    {'columns': ['known_to']},
]) }}
with

transactions as (
    select * from {{ ref('int_transactions_known') }}
),

leads as (
    select * from {{ ref('int_leads_known') }}
),

calls as (
    select * from {{ ref('int_call_rows_counted') }}
    where is_call
),

terms as (
    select * from {{ ref('int_deal_terms_timeline') }}
),

deal_types as (
    select * from {{ ref('int_deal_types_timeline') }}
),

{% if is_incremental() %}
    {% set known = watermark(this) %}
    touched_leads as (
        select lead_id from leads
        where {{ changed_since(known) }}
        union
        select leads.lead_id
        from leads
        inner join calls on leads.call_id = calls.call_id
        where {{ changed_since(known, 'calls') }}
    ),

    touched as (
        select transaction_key from transactions
        where {{ changed_since(known) }}
        union
        select transactions.transaction_key
        from transactions
        inner join touched_leads on transactions.lead_id = touched_leads.lead_id
        union
        select sales.transaction_key
        from {{ this }} as sales
        inner join terms
            on
                terms.terms_key in (sales.filter_set_terms_key, sales.partner_terms_key)
                and sales.occurred_at >= terms.effective_from
                and sales.occurred_at < terms.effective_to
        where terms.known_from > {{ known }}
        union
        select sales.transaction_key
        from {{ this }} as sales
        inner join deal_types on sales.deal_type = deal_types.deal_type
        where deal_types.known_from > {{ known }}
    ),
{% endif %}

versions as (
    select
        *,
        partner_id || '|' || coalesce(filter_set_id, '') as filter_set_terms_key,
        partner_id || '|' as partner_terms_key
    from transactions
    where
        counts_as = 'sale'
        {% if is_incremental() %}
            and transaction_key in (select touched.transaction_key from touched)
        {% endif %}
),

-- A lead that came from a call names it; on a CBM campaign that beats the terms (SPEC D10).
cbm_calls as (
    select
        versions.transaction_key,
        versions.lead_id,
        calls.call_id,
        greatest(leads.known_from, calls.known_from) as known_from,
        least(leads.known_to, calls.known_to) as known_to
    from (select distinct
        transaction_key,
        lead_id
    from versions) as versions
    inner join leads on versions.lead_id = leads.lead_id
    inner join calls on leads.call_id = calls.call_id and {{ overlapping('leads', 'calls') }}
    where calls.kind = 'cbm'
),

{{ known_spans('transaction_key', ['versions', 'cbm_calls']) }},

linked as (
    select
        versions.*,
        cbm_calls.call_id,
        spans.known_from as span_from,
        spans.known_to as span_to
    from spans
    inner join versions
        on spans.transaction_key = versions.transaction_key and {{ known_at('versions') }}
    left join cbm_calls
        on
            spans.transaction_key = cbm_calls.transaction_key
            and versions.lead_id = cbm_calls.lead_id
            and {{ known_at('cbm_calls') }}
),

with_terms as (
    select
        linked.transaction_key,
        linked.entry_key,
        linked.pair,
        linked.load_id,
        linked.lead_id,
        linked.partner_id,
        linked.filter_set_id,
        linked.lead_type,
        linked.call_id,
        linked.amount,
        linked.currency,
        linked.filter_set_terms_key,
        linked.partner_terms_key,
        not linked.is_deleted as is_sold,
        linked.occurred_at,
        -- The terms of the filter set win over those of all; a CBM link over both.
        {% for name, type in {
            'terms_version_id': 'varchar(200)', 'deal_type': 'varchar(50)',
            'rate_basis': 'varchar(50)', 'rate': 'numeric(18, 6)', 'min_seconds': 'bigint',
            'expected_conversion_rate': 'numeric(18, 6)',
        }.items() %}
            cast(case
                when linked.call_id is not null then null
                when filter_set_terms.terms_version_id is not null then filter_set_terms.{{ name }}
                else partner_terms.{{ name }}
            end as {{ type }}) as {{ name }}{{ '_of_terms' if name == 'deal_type' }},
        {% endfor %}
        greatest(
            linked.span_from, filter_set_terms.known_from, partner_terms.known_from
        ) as span_from,
        least(linked.span_to, filter_set_terms.known_to, partner_terms.known_to) as span_to
    from linked
    left join terms as filter_set_terms
        on
            linked.filter_set_id is not null
            and linked.filter_set_terms_key = filter_set_terms.terms_key
            and linked.occurred_at >= filter_set_terms.effective_from
            and linked.occurred_at < filter_set_terms.effective_to
            and linked.span_from < filter_set_terms.known_to
            and linked.span_to > filter_set_terms.known_from
    left join terms as partner_terms
        on
            linked.partner_terms_key = partner_terms.terms_key
            and linked.occurred_at >= partner_terms.effective_from
            and linked.occurred_at < partner_terms.effective_to
            and greatest(linked.span_from, filter_set_terms.known_from) < partner_terms.known_to
            and least(linked.span_to, filter_set_terms.known_to) > partner_terms.known_from
),

with_deal_types as (
    select
        *,
        cast(case
            when call_id is not null then 'cbm_call'
            else coalesce(deal_type_of_terms, 'plain_lead')
        end as varchar(50)) as deal_type
    from with_terms
),

typed as (
    select
        with_deal_types.*,
        deal_types.business_unit,
        -- Null where nobody said what the deal type is (SPEC D4a).
        case
            when deal_types.business_unit is not null then deal_types.paid_on = 'conversion'
        end as is_paid_on_conversion,
        -- The call itself converts; with a warm transfer it is the broker's sale that pays.
        with_deal_types.deal_type = 'cpt'
        and coalesce(with_deal_types.rate_basis, '') = 'per_transfer'
        and coalesce(deal_types.paid_on, 'conversion') = 'conversion' as is_paid_by_call,
        cast(case
            when with_deal_types.occurred_at is null then 'no_occurred_at'
            when with_deal_types.lead_id is null then 'no_lead'
            when with_deal_types.partner_id is null then 'no_account'
            when deal_types.business_unit is null then 'unknown_deal_type'
            when with_deal_types.amount is null then 'bad_amount'
        end as varchar(50)) as exception_reason,
        greatest(with_deal_types.span_from, deal_types.known_from) as known_from,
        least(with_deal_types.span_to, deal_types.known_to) as known_to
    from with_deal_types
    left join deal_types
        on
            with_deal_types.deal_type = deal_types.deal_type
            and with_deal_types.span_from < deal_types.known_to
            and with_deal_types.span_to > deal_types.known_from
)

select * from typed
