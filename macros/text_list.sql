{#- Texts as the inside of an `in (...)`. -#}
{% macro text_list(texts) -%}
{%- for text in texts %}'{{ text }}'{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}
