{#- The table of watermarks, to be read and written also where `--empty` empties every source. -#}
{% macro build_watermarks() -%}
{{ source('books', 'build_watermarks').render() }}
{%- endmacro %}
