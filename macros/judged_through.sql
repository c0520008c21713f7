{#- The known time through which a model of completeness has judged: a night looks at what came
    later, `ledgerhouse build` (var `whole_history`) at everything again. -#}
{% macro judged_through(model) -%}
    {{ beginning() if var('whole_history') else watermark(model) }}
{%- endmacro %}
