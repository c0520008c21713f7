{#- The newest restatement of what this build publishes, one row (SPEC L18): what was published through
    `sealed_through` stays, the new rules rule from `restated_at` on. Without one both are before
    everything. -#}
{% macro newest_restatement() -%}
select
    coalesce(max(sealed_through), {{ beginning() }}) as sealed_through,
    coalesce(max(restated_at), {{ beginning() }}) as restated_at
from {{ source('books', 'restatements') }} as restatements
where {{ is_published_here('restatements') }}
{%- endmacro %}
