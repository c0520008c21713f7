{#- The condition that two relations have the same values in columns of the deal models' contract, null
    like null; each is cast as the contract has it. -#}
{% macro same_values(columns, one, other) -%}
    {%- set types = deal_column_types() -%}
    {%- for column in columns -%}
        {%- set values = [] -%}
        {%- for relation in (one, other) -%}
            {%- do values.append("cast(" ~ relation ~ "." ~ column ~ " as " ~ types[column] ~ ")") -%}
        {%- endfor %}
        {{- ' and ' if not loop.first }}
        coalesce({{ values[0] }} = {{ values[1] }}, {{ values[0] }} is null and {{ values[1] }} is null)
    {%- endfor -%}
{%- endmacro %}
