-- Takes back all that was landed with a clock that was ahead (docs/operations.md, "Backfill").
-- What was landed by then stays; everything else is landed and built again by the next night.
--
--   psql -v ON_ERROR_STOP=1 -c "set ledgerhouse.good_until = '2026-11-24 00:05:00'" -f docs/clock_went_ahead.sql
begin;

do $$
declare
    good_until constant timestamp := current_setting('ledgerhouse.good_until');
    stream text;
    published text;
begin
    -- The lock of every run: this stops where one holds it.
    if to_regclass('landing.run_lock') is not null then
        execute 'lock table landing.run_lock in share update exclusive mode nowait';
    end if;
    if not pg_try_advisory_xact_lock(4127001) then
        raise exception 'A run holds the warehouse. Stop it, and the schedules, first.';
    end if;
    for stream in
        select format('%I.%I', schemaname, tablename) from pg_tables
        where schemaname = 'landing' and tablename like '%\_\_%'
    loop
        execute format('delete from %s where loaded_at > $1', stream) using good_until;
    end loop;
    delete from landing.load_runs where loaded_at > good_until;
    delete from landing.field_counts where loaded_at > good_until;
    delete from landing.shape_acceptances where loaded_at > good_until;
    delete from landing.fields_seen where load_id not in (select load_id from landing.load_runs);
    -- What was published by then stays sealed; what came later is published again as it is.
    for published in
        select distinct format('%I.fct_ledger_entries', schema_name) from landing.publications
    loop
        if to_regclass(published) is not null then
            execute format('delete from %s where recorded_at > $1', published) using good_until;
        end if;
    end loop;
    delete from landing.publications where known_through > good_until;
    delete from landing.ledger_seals
    where publication_id not in (select publication_id from landing.publications);
    delete from landing.rule_versions where known_from > good_until;
    delete from landing.restatements where restated_at > good_until;
    delete from landing.period_reopens where reopened_at > good_until;
    delete from landing.period_closes where closed_at > good_until;
    delete from landing.period_reopens
    where close_id not in (select close_id from landing.period_closes);
    delete from landing.period_close_totals
    where close_id not in (select close_id from landing.period_closes);
    delete from landing.sealed_entries as entries
    where recorded_at > (
        select coalesce(max(sealed_through), '0001-01-01') from landing.restatements
        where restatements.schema_name = entries.schema_name
    );
end $$;

-- The sources are read from where the last good load ended, and compared anew.
delete from landing.source_blocks;
delete from landing.snapshot_runs;
delete from landing.build_watermarks;

-- All of this is made again from landing.
drop schema if exists snapshots, staging, intermediate, marts cascade;

commit;
