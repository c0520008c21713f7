{#- The column is not below `minimum` or above `maximum`; either may be left out, nulls pass. -#}
{% test within_range(model, column_name, minimum=none, maximum=none) %}
select *
from {{ model }}
where
    false
    {% if minimum is not none %}or {{ column_name }} < {{ minimum }}{% endif %}
    {% if maximum is not none %}or {{ column_name }} > {{ maximum }}{% endif %}
{% endtest %}
