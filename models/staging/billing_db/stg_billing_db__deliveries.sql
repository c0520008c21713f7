{{ delivery_versions(
    source('billing_db', 'professional_deliveries'),
    source_table='mortgage_broker_filter_to_mortgage_lead',
    lead_type='professional',
) }}
union all
{{ delivery_versions(
    source('billing_db', 'construction_deliveries'),
    source_table='construction_loan_lead_filter_to_construction_loan_lead',
    lead_type='construction',
) }}
union all
{{ delivery_versions(
    source('billing_db', 'hard_money_deliveries'),
    source_table='hard_money_lead_filter_to_hard_money_lead',
    lead_type='hard_money',
) }}
union all
{{ delivery_versions(
    source('billing_db', 'land_deliveries'),
    source_table='land_lead_filter_to_land_lead',
    lead_type='land',
) }}
