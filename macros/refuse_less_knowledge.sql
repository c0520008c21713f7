{#- Stop a build that would judge keys again from less than they were judged from: as from a timeline
    that was filled while its snapshots were empty. What it judged before would be taken for right.
    `before` is its `last_build`, none where it is built from empty, and `keepers` are its
    `watermark_keepers`. -#}
{% macro refuse_less_knowledge(before, keepers) -%}
    {%- if before and not is_empty_run() and config.get('incremental_strategy') == 'delete+insert' -%}
        {%- set query = "select " ~ known_upstream(keepers) ~ " < " ~ before.known_through -%}
        {%- if run_query(query).columns[0][0] -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ " was built from more than what it reads now knows. Build what it reads"
                ~ " with it: `ledgerhouse build`, after `ledgerhouse replay-snapshots` where"
                ~ " snapshots were lost."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
