-- What stands booked for a conversion is what the terms known now give for its sale: the rate, or
-- that share of a value that the partner said (SPEC D4, D5), read a second way: from staging,
-- without the timelines and states.
with

entries as (
    select * from {{ ref('fct_ledger_entries') }}
    where component = 'conversion'
),

keys_to_check as (
    select entry_key from entries
    where {{ recorded_lately() }}
    union
    select entry_key from entries
    where
        account_id in (
            select 'partner:' || landed.partner_id
            from {{ ref('stg_seeds__deal_terms') }} as landed
            where {{ unpublished('landed.loaded_at') }}
        )
),

-- The sale is that of the booking that stands: the newest.
bookings as (
    select
        entries.*,
        row_number() over (
            partition by entries.entry_key
            order by entries.recorded_at desc, entries.entry_kind asc
        ) as recency
    from entries
    inner join keys_to_check on entries.entry_key = keys_to_check.entry_key
),

standing as (
    select * from bookings
    where recency = 1 and entry_kind = 'booking'
),

sales as (
    select * from {{ ref('int_sales_read') }}
    where is_live
),

said as (
    select distinct
        conversions.pair_key,
        dispositions.sale_amount
    from {{ ref('int_conversions_accounted') }} as conversions
    inner join {{ ref('int_dispositions_read') }} as dispositions
        on conversions.unit_key = dispositions.event_id
    inner join standing on conversions.pair_key = standing.entry_key
    where dispositions.sale_amount is not null
),

paid as (
    select
        standing.entry_key,
        max(standing.amount) as amount,
        max(sales.rate_basis) as rate_basis,
        max(sales.rate) as rate,
        max(case
            when
                sales.rate_basis in ('per_sale', 'per_transfer')
                and round(sales.rate, 2) = standing.amount
                then 1
            when
                sales.rate_basis = 'percent_of_value'
                and round(said.sale_amount * sales.rate / 100, 2) = standing.amount
                then 1
            else 0
        end) as is_by_terms
    from standing
    left join sales on standing.linked_entry_key = 'boberdoo:' || sales.transaction_key
    left join said on standing.entry_key = said.pair_key
    group by standing.entry_key
)

select * from paid
where is_by_terms = 0
