{#- Facts beside what the ledger and the lists of held facts say of them, split without rest
    (SPEC L16): one row per fact, and one for what stands without a fact.

    Reads three CTEs. `facts`: fact_key, currency, occurred_at, is_live, no_money_reason, landed and
    no_money (0 where the fact is gone). `booked_facts`: fact_key, currency, amount, entries (how
    many stand). `held_facts`: fact_key, currency, amount, is_parked. `unit` is the column of all
    three by which facts are judged together; `touched` selects those judged now: what was judged of
    them before and is gone without a trace is left as nothing. Ends in a CTE `accounted`. -#}
{% macro accounted(source, stream, touched, unit='fact_key') -%}
{%- set columns = {
    'occurred_at': 'timestamp', 'no_money_reason': 'varchar(50)',
    'landed': 'numeric(18, 2)', 'no_money': 'numeric(18, 2)', 'booked': 'numeric(18, 2)',
    'excepted': 'numeric(18, 2)', 'parked': 'numeric(18, 2)',
    'live_facts': 'bigint', 'entries': 'bigint', 'holds': 'bigint',
} -%}
{%- set sides = {
    'facts': {
        'occurred_at': 'occurred_at', 'no_money_reason': 'no_money_reason',
        'landed': 'landed', 'no_money': 'no_money',
        'live_facts': 'case when is_live then 1 else 0 end',
    },
    'booked_facts': {'booked': 'amount', 'entries': 'entries'},
    'held_facts': {
        'excepted': 'case when is_parked then 0 else amount end',
        'parked': 'case when is_parked then amount else 0 end',
        'holds': '1',
    },
} -%}
sides as (
    {%- for side, given in sides.items() %}
    {{ 'union all' if not loop.first }}
    select
        {{ unit }} as unit_key,
        fact_key,
        currency,
        {%- for column, type in columns.items() %}
        cast({{ given.get(column, 'null' if type.startswith(('timestamp', 'varchar')) else '0') }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ side }}
    {%- endfor %}
    {%- if is_incremental() %}
    union all
    select
        unit_key,
        fact_key,
        currency,
        {%- for column, type in columns.items() %}
        cast({{ 'null' if type.startswith(('timestamp', 'varchar')) else '0' }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ this }}
    where unit_key in ({{ touched }})
    {%- endif %}
),

together as (
    select
        unit_key,
        fact_key,
        currency,
        {%- for column, type in columns.items() %}
        {{ 'max' if type.startswith(('timestamp', 'varchar')) else 'sum' }}({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from sides
    group by unit_key, fact_key, currency
),

split as (
    select
        *,
        landed - booked - excepted - parked - no_money as difference
    from together
),

accounted as (
    select
        cast('{{ source }}' as varchar(50)) as source,
        cast('{{ stream }}' as varchar(50)) as stream,
        cast(unit_key as varchar(250)) as unit_key,
        cast(fact_key as varchar(250)) as fact_key,
        cast(no_money_reason as varchar(50)) as no_money_reason,
        cast(currency as varchar(3)) as currency,
        cast(landed as numeric(18, 2)) as landed,
        cast(booked as numeric(18, 2)) as booked,
        cast(excepted as numeric(18, 2)) as excepted,
        cast(parked as numeric(18, 2)) as parked,
        cast(no_money as numeric(18, 2)) as no_money,
        cast(difference as numeric(18, 2)) as difference,
        live_facts > 0 as is_live,
        -- A fact of no amount, too, stands somewhere; of what is gone, nothing stands.
        difference = 0
        and (live_facts = 0 or entries + holds > 0 or no_money_reason is not null)
        and (live_facts > 0 or entries = 0) as is_accounted,
        holds > 0 as is_held,
        cast({{ dbt.date_trunc('month', 'occurred_at') }} as date) as fact_month
    from split
)
{%- endmacro %}
