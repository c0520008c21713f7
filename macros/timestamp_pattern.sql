{#- The regular expression of a timestamp text: a day, a time and an offset, the last two optional. -#}
{% macro timestamp_pattern(day) -%}
^{{ day }}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?)?([Zz]| ?[-+][0-9]{2}(:?[0-9]{2})?)?$
{%- endmacro %}
