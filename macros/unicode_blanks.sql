{#- What Unicode calls white space, outside ASCII: no-break, narrow and wide blanks, line ends. -#}
{% macro unicode_blanks() -%}
    {{ return(characters([
        (133, 133), (160, 160), (5760, 5760), (8192, 8202), (8232, 8233), (8239, 8239),
        (8287, 8287), (12288, 12288),
    ])) }}
{%- endmacro %}
