{#- Text as identities are compared (SPEC D7a): composed, in small letters, blanks of any kind as one
    space and none at the ends; blank is null. Not by `lower`, which answers as the server's locale
    does. `ingestion/folding.py` gives the same in Python. -#}
{% macro folded(text) -%}
    {{ return(adapter.dispatch('folded')(text)) }}
{%- endmacro %}

{% macro default__folded(text) -%}
{%- set letters, replacements = folded_letters() -%}
cast(nullif(trim(regexp_replace((case
    when octet_length({{ text }}) = length({{ text }}) then lower({{ text }} collate "C")
    else replace(translate(normalize({{ text }}, nfc), '{{ letters }}', '{{ replacements }}'), 'ß', 'ss')
end) collate "C", '[[:space:]]+', ' ', 'g')) collate "default", '') as varchar(500))
{%- endmacro %}

{#- Redshift has no `normalize`: letters that arrive in parts stay so (docs/redshift.md). -#}
{% macro redshift__folded(text) -%}
{%- set letters, replacements = folded_letters() -%}
cast(nullif(trim(regexp_replace(case
    when octet_length({{ text }}) = length({{ text }}) then lower({{ text }})
    else replace(translate({{ text }}, '{{ letters }}', '{{ replacements }}'), 'ß', 'ss')
end, '[[:space:]]+', ' ')), '') as varchar(500))
{%- endmacro %}
