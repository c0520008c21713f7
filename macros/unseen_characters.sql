{#- What spreadsheets and mail programs leave in a text that nobody sees: soft hyphens, blanks of no
    width, marks of direction and of byte order. -#}
{% macro unseen_characters() -%}
    {{ return(characters([
        (173, 173), (8203, 8203), (8206, 8207), (8234, 8238), (8288, 8288), (8294, 8297),
        (65279, 65279),
    ])) }}
{%- endmacro %}
