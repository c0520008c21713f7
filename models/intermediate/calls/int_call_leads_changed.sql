{{ config(meta={'changes_of': 'int_call_leads_tied'}) }}
{%- set known = last_known('int_call_leads_tied') -%}
{%- set tied_before = last_judged('int_call_leads_tied') -%}
{%- set leads = ref('int_leads_known') -%}
select distinct call_id from {{ ref('int_call_rows_counted') }}
where {{ changed_since(known) }}
{% if tied_before %}
    union
    select tied.call_id
    from {{ tied_before }} as tied
    inner join {{ leads }} as leads on tied.lead_id = leads.lead_id
    where {{ changed_since(known, 'leads') }}
{% endif %}
