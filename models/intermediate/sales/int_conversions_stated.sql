with

-- The transfer's call converts, or what a disposition says (SPEC D4).
conversions as (
    select
        *,
        case when is_paid_by_call then transferred_at else converted_at end as occurred_at
    from {{ ref('int_conversions_paid') }}
),

-- A partner that bought the lead on other terms only owes nothing for what became of it. Of an
-- unknown deal type nobody can say that yet (SPEC D4a).
priced as (
    select
        *,
        case
            when sale_entry_key is null then 'conversion_without_sale'
            when is_paid_on_conversion is null then 'unknown_deal_type'
            when rate is null then 'no_rate'
            when
                rate_basis is null or rate_basis
                not in ('per_sale', 'per_transfer', 'percent_of_value') then 'bad_terms'
            when rate_basis = 'percent_of_value' and sale_amount is null then 'no_value'
        end as exception_reason,
        round(case
            when is_paid_on_conversion is null then null
            when rate_basis in ('per_sale', 'per_transfer') then rate
            when rate_basis = 'percent_of_value' then sale_amount * rate / 100
        end, 2) as amount
    from conversions
    where
        occurred_at is not null
        and (sale_entry_key is null or coalesce(is_paid_on_conversion, true))
),

parts as (
    select
        {{ deal_parts({
            'entry_key': "'conversion:' || lead_id || ':' || partner_id",
            'component': "'conversion'",
            'account_id': "'partner:' || partner_id",
            'call_id': 'case when is_paid_by_call then transfer_call_id end',
            'source': "case when is_paid_by_call then 'invoca' else 'dispositions' end",
            'source_key': "case
                when is_paid_by_call then 'transactions:' || transfer_id
                else 'events:' || event_id
            end",
            'linked_entry_key': 'sale_entry_key',
            'load_id': 'case when is_paid_by_call then transfer_load_id else event_load_id end',
            'amount': 'amount',
            'currency': "'" ~ var('currency') ~ "'",
            'exception_reason': 'exception_reason',
            'gap_reason': "'withdrawn'",
        }, absent=['campaign_id', 'price_version_id']) | indent(8) }}
    from priced
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
