-- Every deal type there is. A new one is a model in deals/ and a line here.
select
    {{ deal_columns() }}
from {{ ref('int_deals__mortgage_lead') }}
union all
select
    {{ deal_columns() }}
from {{ ref('int_deals__msp_charges') }}
