-- Assets and users, those of Codex and those kept by hand.
select * from {{ ref('int_msp_assets_typed') }}
union all
select * from {{ ref('int_msp_users_typed') }}
union all
select * from {{ ref('int_msp_manual_things_typed') }}
