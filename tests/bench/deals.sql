-- A history of leads, their sales and refunds, calls and dispositions, as the loaders would have
-- landed it: one load per stream, all at one known time. Every lead is sold once.
with

loads as (
    insert into landing.load_runs
    (source, stream, tenant, status, loaded_at, started_at, finished_at, received, created)
    select source, stream, 'main', 'completed', %(loaded_at)s, now(), now(), 1, 1
    from (values
        ('boberdoo', 'leads'), ('boberdoo', 'lead_partners'), ('boberdoo', 'transactions'),
        ('invoca', 'transactions'), ('dispositions', 'file_events')
    ) as streams (source, stream)
    returning load_id
),

load as (
    select min(load_id) as load_id from loads
),

numbered as (
    select
        number,
        %(first_lead)s + number as lead_id,
        201 + number %% 8 as partner_id,
        to_char(1e9 + number * 7919 %% 9000000, 'FM0000000000') as phone,
        cast(%(begins)s as timestamp)
        + number * (interval '1 day' / cast(%(leads_per_day)s as double precision)) as moment
    from generate_series(1, cast(%(leads)s as bigint)) as number
),

leads as (
    insert into landing.boberdoo__leads
    (tenant, source_key, payload, payload_hash, is_deleted, loaded_at, load_id)
    select
        'main', lead_id,
        jsonb_build_object(
            'lead_id', cast(lead_id as text), 'lead_type', '33', 'lead_status', 'Matched',
            'lead_date', to_char(moment, 'YYYY-MM-DD HH24:MI:SS'),
            'lead_data', jsonb_build_object(
                'src', 'source' || number %% 5, 'sub_id', 'c' || number %% 9, 'phone', phone,
                'email', 'person' || number || '@example.com'
            )
        ),
        md5(cast(lead_id as text)), false, %(loaded_at)s, load_id
    from numbered
    cross join load
),

partners as (
    insert into landing.boberdoo__lead_partners
    (tenant, source_key, payload, payload_hash, is_deleted, loaded_at, load_id)
    select
        'main', lead_id || ':1',
        jsonb_build_object(
            'lead_id', cast(lead_id as text), 'position', 1, 'lead_type', '33',
            'partner_id', cast(partner_id as text), 'buyer_lead_ref', 'R' || lead_id
        ),
        md5(cast(lead_id as text)), false, %(loaded_at)s, load_id
    from numbered
    cross join load
),

transactions as (
    insert into landing.boberdoo__transactions
    (tenant, source_key, payload, payload_hash, is_deleted, loaded_at, load_id)
    select
        'main', kind || lead_id,
        jsonb_build_object(
            'transaction_id', kind || lead_id, 'transaction_key', kind || lead_id,
            'transaction_type', case kind when 'T' then 'Purchase' else 'Refund' end,
            'lead_id', cast(lead_id as text), 'lead_type', '33', 'filter_set_id', '1501',
            'partner_id', cast(partner_id as text), 'amount', '48.00',
            'transaction_date', to_char(
                moment + case kind when 'T' then interval '1 minute' else interval '9 hours' end,
                'YYYY-MM-DD HH24:MI:SS'
            )
        ),
        md5(kind || lead_id), false, %(loaded_at)s, load_id
    from numbered
    cross join load
    cross join (values ('T'), ('R')) as kinds (kind)
    where kind = 'T' or number %% 20 = 0
),

calls as (
    insert into landing.invoca__transactions
    (tenant, source_key, payload, payload_hash, is_deleted, loaded_at, load_id)
    select
        'main', 'C' || lead_id,
        jsonb_build_object(
            'transaction_id', 'C' || lead_id, 'complete_call_id', 'A' || lead_id,
            'transaction_type', 'Call', 'advertiser_campaign_id', '501',
            'advertiser_id_from_network', 'BRK-0201', 'advertiser_payin_localized', '$40.00',
            'calling_phone_number', phone, 'connect_duration', 120, 'corrects_transaction_id', '',
            'start_time_utc', cast(extract(epoch from moment + interval '1 hour') * 1000 as bigint)
        ),
        md5('C' || lead_id), false, %(loaded_at)s, load_id
    from numbered
    cross join load
    where number %% 4 = 0
)

insert into landing.dispositions__file_events
(tenant, source_key, payload, payload_hash, is_deleted, loaded_at, load_id)
select
    'main', partner_id || '_history:' || lead_id,
    jsonb_build_object(
        'event_id', partner_id || '_history:' || lead_id, 'row_number', number,
        'partner_id', cast(partner_id as text), 'lead_id', cast(lead_id as text),
        'status', case number %% 10 when 4 then 'Sold' else 'Contacted' end,
        'status_date', to_char(moment + interval '1 day', 'YYYY-MM-DD')
    ),
    md5('E' || lead_id), false, %(loaded_at)s, load_id
from numbered
cross join load
where number %% 4 = 2
