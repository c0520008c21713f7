{#- The entries that were published when a restatement of what this build publishes was made: a part of
    the ledger ever after (SPEC L18). -#}
{% macro sealed_entries() -%}
(
    select sealed.* from {{ source('books', 'sealed_entries') }} as sealed
    where {{ is_published_here('sealed') }}
)
{%- endmacro %}
