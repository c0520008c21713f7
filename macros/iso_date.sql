{#- A date text with an American M/D/YYYY turned to YYYY-MM-DD; any other text as it is. -#}
{% macro iso_date(text) -%}
case
    when {{ text }} ~ '^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}'
        then
            substring(split_part({{ text }}, '/', 3), 1, 4)
            || '-' || lpad(split_part({{ text }}, '/', 1), 2, '0')
            || '-' || lpad(split_part({{ text }}, '/', 2), 2, '0')
            || substring(split_part({{ text }}, '/', 3), 5)
    else {{ text }}
end
{%- endmacro %}
