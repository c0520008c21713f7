{#- Post-hook: what the planner must know of a relation that was just filled. Redshift gathers
    statistics by itself. -#}
{% macro gather_statistics(relation) -%}
    {{ return(adapter.dispatch('gather_statistics')(relation)) }}
{%- endmacro %}

{% macro default__gather_statistics(relation) -%}
analyze {{ relation }}
{%- endmacro %}

{% macro redshift__gather_statistics(relation) -%}{%- endmacro %}
