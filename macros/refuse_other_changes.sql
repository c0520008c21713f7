{#- Stop a build that would judge keys that were listed for another state of the model: listed after what
    it has not judged. `before` is its `last_build`, none where it is built from empty, and `keepers`
    are its `watermark_keepers`. -#}
{% macro refuse_other_changes(before, keepers) -%}
    {%- if execute and not is_empty_run() -%}
        {%- set known = before.known_through if before else beginning() -%}
        {%- for keeper in keepers if keeper.changes_of == model.name -%}
            {%- set query -%}
                select count(*) from {{ build_watermarks() }}
                where {{ keeper.rows }} and changed_after <= {{ known }}
            {%- endset -%}
            {%- if not run_query(query).columns[0][0] -%}
                {{ exceptions.raise_compiler_error(
                    keeper.name ~ " does not list all that " ~ model.name ~ " has to judge. Build"
                    ~ " them together: --select " ~ keeper.name ~ " " ~ model.name
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
