{#- The known time through which a model of completeness, named here, has judged: a night looks at what
    came later, `ledgerhouse build` (var `whole_history`) at everything again. -#}
{% macro judged_through(reader) -%}
    {{ return(beginning() if var('whole_history') else last_known(reader)) }}
{%- endmacro %}
