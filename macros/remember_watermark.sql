{#- Pre-hook, in the model's own transaction: what is landed now is what this build sees. Landing
    refuses anything new that claims to be known earlier (SPEC L5, R3a). -#}
{% macro remember_watermark() -%}
{{ refuse_changed_definition() }}
insert into {{ source('books', 'build_watermarks') }}
(model_name, schema_name, known_through, definition, built_at)
select
    '{{ this.identifier }}',
    '{{ this.schema }}',
    {{ known_upstream(model.unique_id) }},
    '{{ ledger_definition() }}',
    cast({{ dbt.current_timestamp() }} as timestamp)
{%- endmacro %}
