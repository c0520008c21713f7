{#- A snapshot keeps the newest version of each key, so it follows its landings one by one (SPEC L12):
    stop it where more than one waits. The pipeline gives each its turn by `snapshot_through`.
    `before` is its `last_build`, which counts for nothing where the snapshot is gone. -#}
{% macro refuse_skipped_landings(before) -%}
    {%- if execute and model.resource_type == 'snapshot' and not is_empty_run() -%}
        {%- set query -%}
            select count(distinct loaded_at) from {{ source('books', 'load_runs').render() }}
            where
                source || '__' || stream = '{{ this.identifier | replace("snap_", "", 1) }}'
                and status in ('completed', 'partial')
                and created + updated + deleted > 0
                and loaded_at > {{ before.known_through if before and load_relation(this) else beginning() }}
                {%- if var('snapshot_through') %}
                    and loaded_at <= cast('{{ var("snapshot_through") }}' as timestamp)
                {%- endif %}
        {%- endset -%}
        {%- set waiting = run_query(query).columns[0][0] -%}
        {%- if waiting > 1 -%}
            {{ exceptions.raise_compiler_error(
                this.identifier ~ " has " ~ waiting ~ " landings to follow, and would keep the last"
                ~ " of them only. Run `ledgerhouse replay-snapshots`: it follows them one by one."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
