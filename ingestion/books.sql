-- The books: what is written down of loads, jobs, builds and publications, beside what is landed.
create schema if not exists landing;
create table if not exists landing.books_versions (
    version integer primary key,
    upgraded_at timestamp not null
);
-- Never vacuumed by itself: that would take the lock of a run.
create table if not exists landing.run_lock (
    schema_name varchar(100) primary key,
    token varchar(100) not null,
    holder varchar(300) not null,
    taken_at timestamp not null
) with (autovacuum_enabled = false);
create table if not exists landing.load_runs (
    load_id bigint generated always as identity primary key,
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    status varchar(20) not null,
    loaded_at timestamp not null,
    started_at timestamp not null,
    finished_at timestamp,
    received bigint not null default 0,
    created bigint not null default 0,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    deleted bigint not null default 0,
    quarantined bigint not null default 0,
    api_calls bigint not null default 0,
    cursor_before varchar(65535),
    cursor_after varchar(65535),
    error varchar(65535)
);
create table if not exists landing.quarantine (
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    record_text varchar(65535) not null,
    record_hash varchar(32) not null,
    reason varchar(1000) not null,
    load_id bigint not null,
    quarantined_at timestamp not null
);
create table if not exists landing.source_blocks (
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    block bigint not null,
    row_count bigint not null,
    fingerprint bigint not null,
    primary key (source, stream, tenant, block)
);
create table if not exists landing.owed_children (
    source varchar(100) not null,
    stream varchar(100) not null,
    parent varchar(500) not null,
    owed_since timestamp not null,
    failed_at timestamp,
    primary key (source, stream, parent)
);
create table if not exists landing.snapshot_runs (
    known_through timestamp not null,
    last_load_id bigint not null,
    finished_at timestamp not null
);
create table if not exists landing.heartbeats (
    attempted_at timestamp not null,
    attempt integer not null,
    status_code integer,
    answer varchar(1000) not null
);
create table if not exists landing.job_runs (
    job_run_id bigint generated always as identity primary key,
    job varchar(100) not null,
    status varchar(20) not null,
    clock timestamp not null,
    started_at timestamp not null,
    finished_at timestamp,
    error varchar(65535)
);
create table if not exists landing.build_watermarks (
    model_name varchar(100) not null,
    schema_name varchar(100) not null,
    known_through timestamp not null,
    definition varchar(10000) not null,
    built_at timestamp not null,
    changed_after timestamp,
    rules varchar(100),
    restatement_id bigint
);
create table if not exists landing.kept_views (
    schema_name varchar(100) primary key,
    project varchar(32) not null,
    views varchar(32) not null,
    seen_at timestamp not null
);
create table if not exists landing.publications (
    publication_id bigint generated always as identity primary key,
    schema_name varchar(100) not null,
    known_through timestamp not null,
    published_at timestamp not null,
    ledger_file bigint not null,
    attempt_id bigint,
    rule_version_id bigint
);
create table if not exists landing.publication_attempts (
    attempt_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    job varchar(100) not null,
    decision varchar(20) not null,
    is_whole boolean not null,
    known_from timestamp,
    known_through timestamp not null,
    open_month date not null,
    guard_share numeric(18, 6) not null,
    guard_amount numeric(18, 2) not null,
    last_load_id bigint not null,
    builds_before bigint not null,
    judged_at timestamp not null
);
create table if not exists landing.publication_movements (
    attempt_id bigint not null,
    deal_type varchar(50),
    occurred_month date,
    currency varchar(3),
    published_amount numeric(18, 2) not null,
    built_amount numeric(18, 2) not null,
    moved_keys bigint not null,
    moved_amount numeric(18, 2) not null,
    new_keys bigint not null,
    new_amount numeric(18, 2) not null,
    closed_amount numeric(18, 2) not null,
    is_held boolean not null
);
create index if not exists publication_movements_attempt_id
    on landing.publication_movements (attempt_id);
create table if not exists landing.publication_acceptances (
    attempt_id bigint not null,
    accepted_by varchar(200) not null,
    reason varchar(1000) not null,
    accepted_at timestamp not null
);
create table if not exists landing.schedules (
    job varchar(100) primary key,
    cron varchar(100) not null,
    allowed_hours integer not null,
    registered_at timestamp not null
);
create table if not exists landing.notices (
    sent_at timestamp not null,
    job varchar(100) not null,
    kind varchar(20) not null,
    message varchar(65535) not null,
    channel varchar(20) not null,
    error varchar(1000)
);
create table if not exists landing.erasures (
    subject_hash varchar(64) primary key,
    token varchar(100) not null unique,
    erased_at timestamp not null
);
create table if not exists landing.hash_salts (
    salt varchar(1000) not null
);
create table if not exists landing.field_counts (
    load_id bigint not null,
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    loaded_at timestamp not null,
    field varchar(500) not null,
    records bigint not null,
    missing bigint not null,
    wrong_type bigint not null,
    new_records bigint not null,
    new_lacking bigint not null,
    primary key (source, stream, tenant, field, load_id)
);
create table if not exists landing.fields_seen (
    source varchar(100) not null,
    stream varchar(100) not null,
    field varchar(500) not null,
    is_new boolean not null,
    load_id bigint not null,
    first_seen_at timestamp not null,
    primary key (source, stream, field)
);
create table if not exists landing.shape_acceptances (
    load_id bigint not null,
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    loaded_at timestamp not null,
    accepted_by varchar(200) not null,
    reason varchar(1000) not null,
    details varchar(65535) not null
);
-- What is published is sealed (SPEC L17, L18). Rows of these are written once and never changed.
create table if not exists landing.rule_versions (
    rule_version_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    rule_hash varchar(64) not null,
    git_commit varchar(64),
    is_dirty boolean,
    reason varchar(1000) not null,
    author varchar(200) not null,
    known_from timestamp not null
);
create table if not exists landing.ledger_seals (
    publication_id bigint not null,
    recorded_month date not null,
    entries bigint not null,
    quantity bigint not null,
    list_amount numeric(30, 2) not null,
    discount_amount numeric(30, 2) not null,
    amount numeric(30, 2) not null,
    figures_hash numeric(38, 0) not null,
    rows_hash numeric(38, 0) not null,
    primary key (publication_id, recorded_month)
);
create table if not exists landing.restatement_proposals (
    proposal_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    rule_hash varchar(64) not null,
    known_through timestamp not null,
    proposed_by varchar(200) not null,
    proposed_as varchar(100) not null,
    reason varchar(1000) not null,
    proposed_at timestamp not null
);
create table if not exists landing.restatement_approvals (
    proposal_id bigint primary key,
    approved_by varchar(200) not null,
    approved_as varchar(100) not null,
    is_declared boolean not null,
    approved_at timestamp not null
);
create table if not exists landing.restatements (
    restatement_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    rule_hash varchar(64) not null,
    sealed_through timestamp not null,
    restated_at timestamp not null,
    proposal_id bigint
);
create table if not exists landing.sealed_entries (
    schema_name varchar(100) not null,
    entry_id varchar(250) not null,
    entry_key varchar(200) not null,
    entry_kind varchar(10) not null,
    deal_type varchar(50),
    business_unit varchar(20),
    component varchar(20),
    account_id varchar(100),
    lead_id varchar(100),
    call_id varchar(100),
    lead_type varchar(50),
    campaign_id varchar(100),
    source varchar(50),
    source_key varchar(200),
    linked_entry_key varchar(200),
    load_id bigint,
    quantity integer,
    list_amount numeric(18, 2),
    discount_amount numeric(18, 2),
    amount numeric(18, 2) not null,
    currency varchar(3),
    price_version_id varchar(200),
    terms_version_id varchar(200),
    reason varchar(50),
    occurred_at timestamp,
    recorded_at timestamp not null,
    primary key (schema_name, entry_id)
);
-- Closed months (SPEC L20). Rows of these, too, are written once and never changed.
create table if not exists landing.period_proposals (
    proposal_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    action varchar(10) not null,
    period_month date not null,
    business_units varchar(1000) not null,
    with_earlier boolean not null,
    proposed_by varchar(200) not null,
    proposed_as varchar(100) not null,
    reason varchar(1000) not null,
    proposed_at timestamp not null
);
create table if not exists landing.period_approvals (
    proposal_id bigint primary key,
    approved_by varchar(200) not null,
    approved_as varchar(100) not null,
    is_declared boolean not null,
    approved_at timestamp not null
);
create table if not exists landing.period_closes (
    close_id bigint generated always as identity primary key,
    target varchar(20) not null,
    schema_name varchar(100) not null,
    business_unit varchar(20) not null,
    period_month date not null,
    known_through timestamp not null,
    closed_at timestamp not null,
    entries bigint not null,
    figures_hash numeric(38, 0) not null,
    rule_hash varchar(64) not null,
    git_commit varchar(64),
    checklist varchar(65535) not null,
    proposal_id bigint not null
);
create table if not exists landing.period_close_totals (
    close_id bigint not null,
    currency varchar(3) not null,
    entries bigint not null,
    quantity bigint not null,
    list_amount numeric(30, 2) not null,
    discount_amount numeric(30, 2) not null,
    amount numeric(30, 2) not null,
    primary key (close_id, currency)
);
create table if not exists landing.period_reopens (
    close_id bigint primary key,
    reopened_at timestamp not null,
    proposal_id bigint not null
);
create table if not exists landing.acknowledgements (
    acknowledgement_id bigint generated always as identity primary key,
    schema_name varchar(100) not null,
    open_item varchar(300) not null,
    details varchar(1000) not null,
    acknowledged_by varchar(200) not null,
    acknowledged_as varchar(100) not null,
    reason varchar(1000) not null,
    acknowledged_at timestamp not null
);
