{#- Text trimmed, runs of blanks as one, in lower case: how names of statuses are compared. -#}
{% macro collapsed(text) -%}
cast(lower(trim({{ replace_pattern(text, '[[:space:]]+', ' ') }})) as varchar(500))
{%- endmacro %}
