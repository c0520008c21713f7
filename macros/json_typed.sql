{#- A payload's field whose type the loader has checked at the source: cast without a guard. -#}
{% macro json_typed(field, type) -%}
    {{ return(adapter.dispatch('json_typed')(field, type)) }}
{%- endmacro %}

{% macro default__json_typed(field, type) -%}
cast(payload ->> '{{ field }}' as {{ type }})
{%- endmacro %}

{#- Redshift has no moment that is infinite. -#}
{% macro redshift__json_typed(field, type) -%}
{%- if type == 'timestamp' -%}
{{ json_effective_time(field) }}
{%- else -%}
cast(nullif(json_extract_path_text(payload, '{{ field }}', true), '') as {{ type }})
{%- endif -%}
{%- endmacro %}
