-- What is landed stands in `landing`: `raw` is a reserved word of Redshift. Snapshots say, as everything
-- does, from when to when a version was known. What dbt has made of both is made again, whole, by the
-- next build; what is published stays as it is until then.
do $$
declare
    renamed record;
begin
    if exists (
        select 1 from pg_locks
        where locktype = 'advisory' and objid = 4127001 and granted and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database())
    ) then
        raise lock_not_available;
    end if;
    if to_regclass('raw.run_lock') is not null then
        lock table raw.run_lock in share update exclusive mode nowait;
    end if;
    alter schema raw rename to landing;
    for renamed in
        select table_schema, table_name, column_name, replace(column_name, 'valid', 'known') as word
        from information_schema.columns
        where table_schema = 'snapshots' and column_name in ('valid_from', 'valid_to')
    loop
        execute format(
            'alter table %I.%I rename column %I to %I',
            renamed.table_schema, renamed.table_name, renamed.column_name, renamed.word
        );
    end loop;
    -- The books of the first ledgerhouse knew neither who judged a publication nor what snapshots hold.
    alter table landing.publications add column if not exists attempt_id bigint;
    alter table landing.build_watermarks add column if not exists changed_after timestamp;
    delete from landing.build_watermarks where schema_name <> 'snapshots';
    insert into landing.build_watermarks
    select tablename, schemaname, known_through, '', clock_timestamp()
    from pg_tables
    cross join (select max(known_through) as known_through from landing.snapshot_runs) as runs
    where schemaname = 'snapshots' and known_through is not null and tablename not in (
        select model_name from landing.build_watermarks where schema_name = 'snapshots'
    );
end
$$;
drop schema if exists staging, intermediate, marts cascade;
