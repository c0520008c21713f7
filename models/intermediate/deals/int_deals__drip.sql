-- An aged lead: paid like a plain one (SPEC D2). Its age at sale is in `boberdoo`.
{{ states_of_deal('drip', [ref('int_sales_stated'), ref('int_refunds_stated')]) }}
