{{ config(materialized='kept_view') }}
with

load_runs as (
    select * from {{ source('books', 'load_runs') }}
    where source = 'billingo'
),

company_versions as (
    select * from {{ ref('stg_seeds__billingo_companies') }}
),

companies as (
    {{ live_versions('company_versions') }}
),

-- A company's sync opens the load of its documents first; what follows belongs to it.
loads as (
    select
        *,
        max(case when stream = 'documents' then load_id end) over (
            partition by tenant order by load_id rows unbounded preceding
        ) as sync_id,
        case when stream = 'documents' then 1 else 0 end as is_documents,
        case when stream = 'items' then 1 else 0 end as is_items,
        case status when 'failed' then 4 when 'running' then 3 when 'partial' then 2 else 1 end
            as gravity
    from load_runs
),

syncs as (
    select
        sync_id,
        tenant as company_id,
        max(gravity) as gravity,
        sum(is_documents * received) as processed,
        sum(is_documents * created) as created,
        sum(is_documents * updated) as updated,
        sum(is_documents * unchanged) as skipped,
        sum(is_items * received) as items,
        sum(quarantined) as quarantined,
        max(case when status = 'failed' then 1 else 0 end) as failures,
        sum(api_calls) as api_calls,
        max(error) as error,
        min(started_at) as started_at,
        max(finished_at) as finished_at,
        max(loaded_at) as loaded_at
    from loads
    group by sync_id, tenant
),

named_syncs as (
    select
        syncs.sync_id,
        cast(syncs.company_id as varchar(100)) as company_id,
        companies.company_name,
        cast(case syncs.gravity
            when 4 then 'failed' when 3 then 'running' when 2 then 'partial' else 'completed'
        end as varchar(20)) as status,
        cast(syncs.processed as bigint) as processed,
        cast(syncs.created as bigint) as created,
        cast(syncs.updated as bigint) as updated,
        cast(syncs.skipped as bigint) as skipped,
        cast(syncs.items as bigint) as items,
        cast(syncs.quarantined + syncs.failures as bigint) as errors,
        cast(syncs.api_calls as bigint) as api_calls,
        cast({{ dbt.datediff('syncs.started_at', 'syncs.finished_at', 'second') }} as bigint)
            as duration_seconds,
        cast(syncs.error as varchar(65535)) as error,
        syncs.started_at,
        syncs.finished_at,
        syncs.loaded_at
    from syncs
    left join companies on syncs.company_id = companies.company_id
)

select * from named_syncs
