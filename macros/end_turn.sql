{#- At the end of a dbt started by hand: say what it has not done. -#}
{% macro end_turn() -%}
    {%- if execute and not env_var('LEDGERHOUSE_RUN', '') and flags.WHICH in ('build', 'run', 'retry') -%}
        {%- do log(
            "Built in " ~ target.schema ~ "'s schemas, and not published: analysts read what they"
            ~ " read before. `ledgerhouse build` tests everything and publishes.", info=True
        ) -%}
    {%- endif -%}
{%- endmacro %}
