{#- A timestamp of a zone's wall clock, in UTC. -#}
{% macro in_utc(moment, zone) -%}
{%- if zone == 'UTC' -%}
{{ moment }}
{%- else -%}
cast({{ moment }} at time zone '{{ zone }}' at time zone 'UTC' as timestamp)
{%- endif -%}
{%- endmacro %}
