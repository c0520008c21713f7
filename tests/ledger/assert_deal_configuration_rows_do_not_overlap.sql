{{ config(severity='warn') }}
-- No two rows of one partner's terms, or of one campaign, are effective at once: the one with the
-- latest effective_from rules, and this names the other (SPEC R12, D5, D10).
with

deal_terms as (
    select
        cast('deal_terms' as varchar(100)) as seed_name,
        source_key,
        effective_to,
        lead(coalesce(effective_from, {{ beginning() }})) over (
            partition by partner_id, coalesce(filter_set_id, '')
            order by coalesce(effective_from, {{ beginning() }})
        ) as next_effective_from
    from {{ ref('snap_seeds__deal_terms') }}
    where known_to = {{ open_end() }} and not is_deleted
),

call_campaigns as (
    select
        cast('call_campaigns' as varchar(100)) as seed_name,
        source_key,
        effective_to,
        lead(coalesce(effective_from, {{ beginning() }})) over (
            partition by campaign_id order by coalesce(effective_from, {{ beginning() }})
        ) as next_effective_from
    from {{ ref('snap_seeds__call_campaigns') }}
    where known_to = {{ open_end() }} and not is_deleted
),

followed as (
    select * from deal_terms
    union all
    select * from call_campaigns
)

select * from followed
where
    next_effective_from is not null
    and coalesce(effective_to, {{ open_end() }}) > next_effective_from
