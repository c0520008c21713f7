select
    publication_id,
    schema_name,
    known_through,
    published_at
from {{ source('books', 'publications') }}
