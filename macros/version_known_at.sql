{#- The condition that a version was the newest known one at a moment, and was not deleted. -#}
{% macro version_known_at(versions, moment) -%}
{{ versions }}.known_from <= {{ moment }}
            and {{ versions }}.known_to > {{ moment }}
            and not {{ versions }}.is_deleted
{%- endmacro %}
