{{ config(materialized='view', pre_hook=[], indexes=[]) }}
-- Every deal type there is. A new one is a model in this folder and a line here.
select
    {{ deal_columns() }}
from {{ ref('int_deals__mortgage_lead') }}
