{#- What has caused a correction, in the order of SPEC L21, as text: `price, terms`. The columns are
    those of `rpt_corrections`; `ended_because` is why its entry was reversed, now or before it was
    booked again. -#}
{% macro correction_causes() -%}
    {%- set causes = {
        'deletion': "ended_because = 'deleted'",
        'source_row': "is_changed and has_other_load_id and not has_other_source_key"
            ~ " or ended_because in ('no_account', 'bad_amount', 'no_delivered_at', 'no_occurred_at')"
            ~ " or component != 'conversion' and ended_because in ('withdrawn', 'out_of_scope')",
        'refund_link': "component = 'refund' and is_changed and has_other_link"
            ~ " or ended_because = 'refund_without_sale'",
        'price': "is_changed and has_other_price or ended_because in ('no_price', 'bad_price')",
        'plan': "is_of_plan and (is_changed and has_other_terms or ended_because = 'bad_terms')",
        'terms': "not is_of_plan"
            ~ " and (is_changed and has_other_terms or ended_because in ('bad_terms', 'no_rate'))",
        'deal_type': "is_changed and has_other_deal_type or ended_because = 'unknown_deal_type'",
        'campaign': "is_changed and has_other_campaign_id or is_campaign_new",
        'mapping': "component = 'conversion' and is_mapping_new",
        'status': "component = 'conversion' and is_status_new",
        'match': "is_changed and (has_other_lead_id or has_other_call_id)"
            ~ " or ended_because = 'conversion_without_sale'",
        'disposition': "component = 'conversion'",
    } -%}
    coalesce(nullif(trim(both ', ' from
        {%- for cause, applies in causes.items() %}
            {{ '|| ' if not loop.first }}case when {{ applies }} then ', {{ cause }}' else '' end
        {%- endfor %}
    ), ''), 'source_row')
{%- endmacro %}
