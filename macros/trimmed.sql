{#- Text without blanks and unseen characters at its ends; null where nothing else is in it. -#}
{% macro trimmed(text) -%}
{%- set controls = 'chr(9) || chr(10) || chr(11) || chr(12) || chr(13)' -%}
nullif(btrim({{ text }}, {{ controls }} || ' {{ unicode_blanks() }}{{ unseen_characters() }}'), '')
{%- endmacro %}
