{#- The column contract of every deal model, in order: name and type. -#}
{% macro deal_column_types() -%}
    {{ return({
        'entry_key': 'varchar(200)',
        'deal_type': 'varchar(50)',
        'business_unit': 'varchar(20)',
        'component': 'varchar(20)',
        'account_id': 'varchar(100)',
        'lead_id': 'varchar(100)',
        'call_id': 'varchar(100)',
        'lead_type': 'varchar(50)',
        'campaign_id': 'varchar(100)',
        'source': 'varchar(50)',
        'source_key': 'varchar(200)',
        'linked_entry_key': 'varchar(200)',
        'load_id': 'bigint',
        'quantity': 'integer',
        'list_amount': 'numeric(18, 2)',
        'discount_amount': 'numeric(18, 2)',
        'amount': 'numeric(18, 2)',
        'currency': 'varchar(3)',
        'price_version_id': 'varchar(200)',
        'terms_version_id': 'varchar(200)',
        'exception_reason': 'varchar(50)',
        'opened_because': 'varchar(20)',
        'closed_because': 'varchar(50)',
        'occurred_at': 'timestamp',
        'known_from': 'timestamp',
        'known_to': 'timestamp',
    }) }}
{%- endmacro %}

{% macro deal_column_names() -%}
    {{ return(deal_column_types().keys() | list) }}
{%- endmacro %}
