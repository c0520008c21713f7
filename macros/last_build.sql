{#- What is remembered of this model's or snapshot's builds, in one query: the vars and the rules of
    the last one, and the known time, as SQL, through which they go; none where it was never built. -#}
{% macro last_build() -%}
    {%- set query -%}
        select
            definition,
            max(known_through) over (partition by model_name) as known_through,
            rules
        from {{ build_watermarks() }}
        where model_name = '{{ this.identifier }}' and schema_name = '{{ this.schema }}'
        order by built_at desc
        limit 1
    {%- endset -%}
    {%- set found = run_query(query) -%}
    {%- if found and found | length -%}
        {{ return({
            'definition': found.columns[0][0],
            'known_through': "cast('" ~ found.columns[1][0] ~ "' as timestamp)",
            'rules': found.columns[2][0],
        }) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
