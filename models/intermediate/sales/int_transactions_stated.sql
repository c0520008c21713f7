with

sales as (
    select
        *,
        cast('sale' as varchar(20)) as component,
        cast(null as varchar(200)) as sale_entry_key
    from {{ ref('int_sales_typed') }}
),

refunds as (
    select
        *,
        cast('refund' as varchar(20)) as component
    from {{ ref('int_refunds_judged') }}
),

-- A type that nobody has declared may carry money: until it is listed, nobody knows whose (D2a).
undeclared as (
    select
        *,
        cast('unknown' as varchar(20)) as component,
        cast(null as varchar(50)) as deal_type,
        cast(null as varchar(20)) as business_unit,
        cast(null as varchar(100)) as call_id,
        cast(null as varchar(200)) as sale_entry_key,
        cast(null as varchar(200)) as terms_version_id,
        cast('unknown_type' as varchar(50)) as exception_reason
    from {{ ref('int_transactions_known') }}
    where counts_as not in ('sale', 'refund', 'nothing')
),

changed as (
    select * from {{ ref('int_transactions_changed') }}
),

-- A transaction is one of these at a time, and may become another: its states are one history.
transactions as (
    {% for relation, counts in {
        'sales': 'is_sold',
        'refunds': 'true',
        'undeclared': 'not is_deleted and (amount is null or amount != 0)',
    }.items() %}
        {{ 'union all' if not loop.first }}
        select
            entry_key,
            transaction_key,
            component,
            deal_type,
            business_unit,
            partner_id,
            lead_id,
            call_id,
            lead_type,
            sale_entry_key,
            load_id,
            amount,
            currency,
            terms_version_id,
            exception_reason,
            occurred_at,
            known_from,
            known_to
        from {{ relation }}
        where
            {{ counts }}
            and entry_key in (select changed.entry_key from changed)
    {% endfor %}
),

parts as (
    select
        {{ deal_parts({
            'account_id': "'partner:' || partner_id",
            'source': "'boberdoo'",
            'source_key': "'transactions:' || transaction_key",
            'linked_entry_key': 'sale_entry_key',
            'gap_reason': "'withdrawn'",
        }, absent=['campaign_id', 'price_version_id']) | indent(8) }}
    from transactions
),

{{ merged_states('parts', exception_ending='gap_reason') }}

select
    {{ deal_columns() }}
from states
