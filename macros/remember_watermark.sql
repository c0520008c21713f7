{#- Pre-hook, in the transaction of a model or a snapshot: what is known now is what this build sees.
    Landing refuses anything new that claims to be known earlier (SPEC L5, R3a).

    What is built whole knows nothing of its builds before. A history keeps its rows, but those that
    began to be known after its watermark were made from what was not all there: they are made
    again. With `--empty` nothing is built, so nothing is known. The rules and the restatement that it was
    built by tell the pipeline when all is to be built again (SPEC L17, L18). -#}
{% macro remember_watermark() -%}
{%- set watermarks = build_watermarks() -%}
{%- set changes_of = model.config.meta.get('changes_of') if execute else none -%}
{%- set is_added_to = is_incremental() or model.resource_type == 'snapshot' -%}
{%- set before = last_build() if execute and is_added_to else none -%}
{{- refuse_changed_definition(before) -}}
{{- refuse_skipped_landings(before) -}}
{%- set keepers = watermark_keepers(model.unique_id) if execute else [] -%}
{%- set rules = rules_of_build(before) -%}
{{- refuse_other_changes(before, keepers) -}}
{{- refuse_less_knowledge(before, keepers) -}}
{%- if not (is_empty_run() and table_stays()) -%}
{{ keep_turn() }}
{%- if not is_added_to %}
delete from {{ watermarks }}
where model_name = '{{ this.identifier }}' and schema_name = '{{ this.schema }}';
{%- elif is_incremental() and is_history() %}
delete from {{ this }} where known_from > {{ before.known_through if before else beginning() }};
{%- endif %}
insert into {{ watermarks }}
(model_name, schema_name, known_through, definition, built_at, changed_after, rules, restatement_id)
select
    '{{ this.identifier }}',
    '{{ this.schema }}',
    {{ beginning() if is_empty_run() else known_upstream(keepers) }},
    '{{ ledger_definition() }}',
    cast({{ dbt.current_timestamp() }} as timestamp),
    {{ last_known(changes_of) if changes_of else 'cast(null as timestamp)' }},
    '{{ rules }}',
    (
        select coalesce(max(restatement_id), 0)
        from {{ source('books', 'restatements').render() }}
        where schema_name = '{{ target.schema }}'
    )
{%- endif -%}
{%- endmacro %}

{#- Whether the model keeps rows by known time; what is judged as now known does not. -#}
{% macro is_history() -%}
    {{ return(
        config.get('incremental_strategy') == 'delete+insert'
        and not config.get('meta', {}).get('as_now_known')
    ) }}
{%- endmacro %}
