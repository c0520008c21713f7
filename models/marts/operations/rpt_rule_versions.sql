select
    rule_version_id,
    target as target_name,
    schema_name,
    rule_hash,
    git_commit,
    is_dirty,
    reason,
    author,
    known_from
from {{ source('books', 'rule_versions') }}
