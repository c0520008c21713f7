{#- Stop a build that would append rows made by other vars than those already there (SPEC L6a).
    `before` is its `last_build`. -#}
{% macro refuse_changed_definition(before) -%}
    {%- if execute and is_incremental() and before and before.definition != ledger_definition() -%}
        {{ exceptions.raise_compiler_error(
            "The ledger was built with " ~ before.definition ~ "; this build has "
            ~ ledger_definition() ~ ". Set the vars back, or rebuild with --full-refresh."
        ) }}
    {%- endif -%}
{%- endmacro %}
