{#- The characters of ranges of Unicode, each with its first and last code, as one text. -#}
{% macro characters(ranges) -%}
    {%- set found = [] -%}
    {%- for first, last in ranges -%}
        {%- for code in range(first, last + 1) -%}
            {%- do found.append('%c' | format(code)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | join) }}
{%- endmacro %}
