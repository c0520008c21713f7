{#- Text as a number; null where it is none or too large, so that bad text never stops a build. Of
    more than six decimals the rest is cut off, not rounded: what is rounded to cents later is
    rounded once (SPEC 0). A negative number stays one. -#}
{% macro number_in(text, type) -%}
    {{ return(adapter.dispatch('number_in')(text, type)) }}
{%- endmacro %}

{% macro default__number_in(text, type) -%}
cast(case
    when pg_input_is_valid({{ text }}, '{{ type }}') and {{ text }} !~ '[a-zA-Z_]'
        {%- if type == 'numeric(18,6)' %}
        then least(
            trunc(cast({{ text }} as numeric), 6),
            case when {{ text }} ~ '^-.*[1-9]' then -0.000001 end
        )
        {%- else %}
        then cast({{ text }} as {{ type }})
        {%- endif %}
end as {{ type }})
{%- endmacro %}

{% macro redshift__number_in(text, type) -%}
{%- set pattern = '^[-+]?([0-9]{1,12}([.][0-9]*)?|[.][0-9]+)$' -%}
cast(case
    {%- if type == 'bigint' %}
    when {{ text }} ~ '^[-+]?[0-9]{1,18}$' then cast({{ text }} as bigint)
    {%- elif type == 'numeric(18,6)' %}
    when {{ text }} ~ '{{ pattern }}'
        then least(
            cast(regexp_substr({{ text }}, '^[-+]?[0-9]*([.][0-9]{0,6})?') as {{ type }}),
            case when {{ text }} ~ '^-.*[1-9]' then -0.000001 end
        )
    {%- else %}
    when {{ text }} ~ '{{ pattern }}' then cast({{ text }} as {{ type }})
    {%- endif %}
end as {{ type }})
{%- endmacro %}
