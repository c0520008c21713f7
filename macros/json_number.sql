{#- A payload's field as a number; null where it is none, so that bad text never stops a build. -#}
{% macro json_number(field, type='numeric(18,6)') -%}
    {{ return(adapter.dispatch('json_number')(field, type)) }}
{%- endmacro %}

{% macro default__json_number(field, type) -%}
cast(case
    when
        pg_input_is_valid(trim(payload ->> '{{ field }}'), '{{ type }}')
        and trim(payload ->> '{{ field }}') !~ '[a-zA-Z_]'
        then cast(trim(payload ->> '{{ field }}') as {{ type }})
end as {{ type }})
{%- endmacro %}

{% macro redshift__json_number(field, type) -%}
{%- set text = json_text(field) -%}
{%- set pattern = '^[-+]?[0-9]{1,18}$' if type == 'bigint' else '^[-+]?[0-9]{0,12}([.][0-9]*)?$' -%}
cast(case when {{ text }} ~ '{{ pattern }}' then cast({{ text }} as {{ type }}) end as {{ type }})
{%- endmacro %}
