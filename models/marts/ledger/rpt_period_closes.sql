with

closes as (
    select
        closes.close_id,
        closes.business_unit,
        closes.period_month,
        closes.closed_at,
        reopens.reopened_at,
        reopens.reopened_at is null as is_closed,
        closes.entries,
        cast(closes.figures_hash as varchar(40)) as figures_hash,
        closes.rule_hash,
        closes.git_commit,
        closes.checklist,
        proposals.reason,
        proposals.proposed_by as closed_by,
        approvals.approved_by,
        approvals.is_declared,
        reopen_proposals.reason as reopen_reason,
        reopen_proposals.proposed_by as reopened_by
    from {{ source('books', 'period_closes') }} as closes
    left join {{ source('books', 'period_proposals') }} as proposals
        on closes.proposal_id = proposals.proposal_id
    left join {{ source('books', 'period_approvals') }} as approvals
        on closes.proposal_id = approvals.proposal_id
    left join {{ source('books', 'period_reopens') }} as reopens
        on closes.close_id = reopens.close_id
    left join {{ source('books', 'period_proposals') }} as reopen_proposals
        on reopens.proposal_id = reopen_proposals.proposal_id
    where {{ is_published_here('closes') }}
)

select * from closes
