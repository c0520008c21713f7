{#- A value's salted SHA-256 in hexadecimal, to join people without naming them; null without a
    salt. -#}
{% macro salted_hash(value, salt) -%}
{{ return(adapter.dispatch('salted_hash')(value, salt)) }}
{%- endmacro %}

{% macro default__salted_hash(value, salt) -%}
cast(encode(sha256(convert_to({{ salt }} || {{ value }}, 'UTF8')), 'hex') as varchar(64))
{%- endmacro %}

{% macro redshift__salted_hash(value, salt) -%}
cast(sha2({{ salt }} || {{ value }}, 256) as varchar(64))
{%- endmacro %}
