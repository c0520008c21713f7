{{ delivery_versions(
    source('billing_db', 'mortgage_broker_filter_to_mortgage_lead'), 'professional'
) }}
union all
{{ delivery_versions(
    source('billing_db', 'construction_loan_lead_filter_to_construction_loan_lead'), 'construction'
) }}
union all
{{ delivery_versions(
    source('billing_db', 'hard_money_lead_filter_to_hard_money_lead'), 'hard_money'
) }}
union all
{{ delivery_versions(
    source('billing_db', 'land_lead_filter_to_land_lead'), 'land'
) }}
