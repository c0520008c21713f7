with

fields_seen as (
    select * from {{ source('books', 'fields_seen') }}
),

new_fields as (
    select
        source,
        stream,
        field,
        load_id,
        first_seen_at
    from fields_seen
    where is_new
)

select * from new_fields
