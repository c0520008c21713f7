{#- What each cancellation of `invoices` (a CTE) cancels: another document, and at the bottom of the
    chain the one whose amounts it counts; `direction` is -1 where it cancels that one, 1 where it
    cancels a cancellation and so restores it, 0 where nothing was left to cancel or restore.
    A cancelled document may name the one that cancels it, too: a cancellation never cancels a
    later one. Ends in a CTE `chains`. -#}
{% macro cancellation_chains(invoices) -%}
cancellations as (
    select * from {{ invoices }}
    where is_cancellation
),

named_either_way as (
    select
        cancellations.invoice_id,
        cancellations.document_id,
        originals.invoice_id as cancels_invoice_id,
        originals.document_id as original_id,
        originals.is_cancellation,
        1 as preference
    from cancellations
    inner join {{ invoices }} as originals
        on
            cancellations.company_id = originals.company_id
            and cancellations.related_document_id = originals.document_id
    union all
    select
        cancellations.invoice_id,
        cancellations.document_id,
        originals.invoice_id as cancels_invoice_id,
        originals.document_id as original_id,
        originals.is_cancellation,
        2 as preference
    from cancellations
    inner join {{ invoices }} as originals
        on
            cancellations.company_id = originals.company_id
            and cancellations.document_id = originals.related_document_id
),

possible_links as (
    select
        invoice_id,
        cancels_invoice_id,
        row_number() over (
            partition by invoice_id order by preference, length(original_id), original_id
        ) as preference
    from named_either_way
    where
        not is_cancellation
        or length(original_id) < length(document_id)
        or (length(original_id) = length(document_id) and original_id < document_id)
),

links as (
    select
        invoice_id,
        cancels_invoice_id
    from possible_links
    where preference = 1
),

steps_1 as (
    select
        links.invoice_id,
        links.cancels_invoice_id,
        links.cancels_invoice_id as counted_invoice_id,
        -1 as direction
    from links
    left join links as further on links.cancels_invoice_id = further.invoice_id
    where further.invoice_id is null
),

{% for step in range(2, 6) -%}
    steps_{{ step }} as (
        select
            links.invoice_id,
            links.cancels_invoice_id,
            steps.counted_invoice_id,
            -1 * steps.direction as direction
        from links
        inner join steps_{{ step - 1 }} as steps on links.cancels_invoice_id = steps.invoice_id
    ),

{% endfor -%}
steps as (
    {% for step in range(1, 6) -%}
        select * from steps_{{ step }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- An invoice is cancelled and restored by turns: twice the same in a row counts once.
chains as (
    select
        steps.invoice_id,
        steps.cancels_invoice_id,
        steps.counted_invoice_id,
        case
            when steps.direction = coalesce(lag(steps.direction) over (
                partition by steps.counted_invoice_id
                order by
                    coalesce(cancellations.invoice_date, cast('9999-12-31' as date)),
                    length(cancellations.document_id),
                    cancellations.document_id
            ), 1) then 0
            else steps.direction
        end as direction
    from steps
    inner join cancellations on steps.invoice_id = cancellations.invoice_id
)
{%- endmacro %}
