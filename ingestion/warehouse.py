"""The warehouse's connection, and the tables landing keeps its books in."""

import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from ingestion import embedded
from ingestion.settings import Database, Settings, redact

log = logging.getLogger(__name__)

BOOKS = """
create schema if not exists raw;
-- Never vacuumed by itself: that would take the lock of a run.
create table if not exists raw.run_lock (
    schema_name varchar(100) primary key,
    token varchar(100) not null,
    holder varchar(300) not null,
    taken_at timestamp not null
) with (autovacuum_enabled = false);
create table if not exists raw.load_runs (
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
create table if not exists raw.quarantine (
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    record_text varchar(65535) not null,
    record_hash varchar(32) not null,
    reason varchar(1000) not null,
    load_id bigint not null,
    quarantined_at timestamp not null
);
create table if not exists raw.source_blocks (
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    block bigint not null,
    row_count bigint not null,
    fingerprint bigint not null,
    primary key (source, stream, tenant, block)
);
create table if not exists raw.owed_children (
    source varchar(100) not null,
    stream varchar(100) not null,
    parent varchar(500) not null,
    owed_since timestamp not null,
    failed_at timestamp,
    primary key (source, stream, parent)
);
create table if not exists raw.snapshot_runs (
    known_through timestamp not null,
    last_load_id bigint not null,
    finished_at timestamp not null
);
create table if not exists raw.heartbeats (
    attempted_at timestamp not null,
    attempt integer not null,
    status_code integer,
    answer varchar(1000) not null
);
create table if not exists raw.job_runs (
    job_run_id bigint generated always as identity primary key,
    job varchar(100) not null,
    status varchar(20) not null,
    clock timestamp not null,
    started_at timestamp not null,
    finished_at timestamp,
    error varchar(65535)
);
create table if not exists raw.build_watermarks (
    model_name varchar(100) not null,
    schema_name varchar(100) not null,
    known_through timestamp not null,
    definition varchar(10000) not null,
    built_at timestamp not null
);
create table if not exists raw.publications (
    publication_id bigint generated always as identity primary key,
    schema_name varchar(100) not null,
    known_through timestamp not null,
    published_at timestamp not null,
    ledger_file bigint not null
);
create table if not exists raw.publication_attempts (
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
create table if not exists raw.publication_movements (
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
    on raw.publication_movements (attempt_id);
create table if not exists raw.publication_acceptances (
    attempt_id bigint not null,
    accepted_by varchar(200) not null,
    reason varchar(1000) not null,
    accepted_at timestamp not null
);
create table if not exists raw.schedules (
    job varchar(100) primary key,
    cron varchar(100) not null,
    allowed_hours integer not null,
    registered_at timestamp not null
);
create table if not exists raw.notices (
    sent_at timestamp not null,
    job varchar(100) not null,
    kind varchar(20) not null,
    message varchar(65535) not null,
    channel varchar(20) not null,
    error varchar(1000)
);
create table if not exists raw.erasures (
    subject_hash varchar(64) primary key,
    token varchar(100) not null unique,
    erased_at timestamp not null
);
create table if not exists raw.hash_salts (
    salt varchar(1000) not null
);
create table if not exists raw.field_counts (
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
create table if not exists raw.fields_seen (
    source varchar(100) not null,
    stream varchar(100) not null,
    field varchar(500) not null,
    is_new boolean not null,
    load_id bigint not null,
    first_seen_at timestamp not null,
    primary key (source, stream, field)
);
create table if not exists raw.shape_acceptances (
    load_id bigint not null,
    source varchar(100) not null,
    stream varchar(100) not null,
    tenant varchar(100) not null,
    loaded_at timestamp not null,
    accepted_by varchar(200) not null,
    reason varchar(1000) not null,
    details varchar(65535) not null
);
alter table raw.publications add column if not exists attempt_id bigint;
-- Snapshots older than their watermarks hold what the pipeline wrote down of them.
insert into raw.build_watermarks
select tablename, schemaname, known_through, '', clock_timestamp()
from pg_tables
cross join (select max(known_through) as known_through from raw.snapshot_runs) as runs
where schemaname = 'snapshots' and known_through is not null and tablename not in (
    select model_name from raw.build_watermarks where schema_name = 'snapshots'
);
"""
BOOK_NAMES = re.findall(r"create table if not exists (raw\.\w+)", BOOKS)


class WarehouseError(Exception):
    """The warehouse cannot be reached or used; the message names the cure."""


def connect(
    settings: Settings, *, database: str | None = None, autocommit: bool = False
) -> psycopg.Connection:
    """Connect to the warehouse; raises WarehouseError with the cure."""
    parameters = settings.warehouse.parameters()
    if database:
        parameters["dbname"] = database
    try:
        connection = psycopg.connect(
            **parameters,
            autocommit=autocommit,
            connect_timeout=10,
            application_name=process_name(),
            options="-c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        raise WarehouseError(redact(_connection_advice(settings, error), settings)) from None
    if settings.warehouse_is_embedded:
        _refuse_foreign_server(connection)
    return connection


def _refuse_foreign_server(connection: psycopg.Connection) -> None:
    """Raise WarehouseError where the server that answers is another checkout's embedded one."""
    place = (connection.info.port, embedded.server_mark())
    if place in _own_servers:
        return
    name = connection.execute("select current_setting('cluster_name')").fetchone()[0]
    if name.startswith(embedded.MARK) and name != embedded.server_mark():
        connection.close()
        raise WarehouseError(
            f"The server on port {place[0]} is the embedded Postgres of another checkout. Set"
            " WAREHOUSE_PORT, in the environment or .env, to this checkout's port (or to a free"
            " one, then `ledgerhouse up`)."
        )
    if not connection.autocommit:
        connection.rollback()
    _own_servers.add(place)


# The ports on which this process has found its own checkout's server.
_own_servers: set[tuple[int, str]] = set()


def _connection_advice(settings: Settings, error: psycopg.OperationalError) -> str:
    where = f"{settings.warehouse.host}:{settings.warehouse.port}/{settings.warehouse.name}"
    cure = (
        "Start the embedded Postgres with `ledgerhouse up`."
        if settings.warehouse_is_embedded
        else "Check WAREHOUSE_HOST, WAREHOUSE_PORT, WAREHOUSE_USER, WAREHOUSE_PASSWORD and "
        "WAREHOUSE_NAME."
    )
    return f"The warehouse {where} cannot be reached: {first_line(error)}. {cure}"


def first_line(error: Exception) -> str:
    """Return the error's first line, without the trailing full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def connect_source(source: Database, settings: Settings, prefix: str) -> psycopg.Connection:
    """Connect to a relational source; raises WarehouseError naming the `prefix` variables."""
    try:
        return psycopg.connect(**source.parameters(), connect_timeout=10, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        message = (
            f"{source.name} on {source.host}:{source.port} cannot be reached: {first_line(error)}. "
            f"Check {prefix}_HOST, {prefix}_PORT, {prefix}_USER, {prefix}_PASSWORD and "
            f"{prefix}_NAME."
        )
        raise WarehouseError(redact(message, settings)) from None


def error_text(error: BaseException) -> str:
    """Return what an error says; one that says nothing says what it is."""
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted."
    return str(error) or type(error).__name__


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Make database `name` if it is not there (connection in autocommit)."""
    found = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if not found:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def make_books(connection: psycopg.Connection) -> None:
    """Make the schema raw and the tables landing keeps its books in; commits."""
    missing = connection.execute(
        "select 1 from unnest(%s::text[]) as names (name) where to_regclass(name) is null",
        (BOOK_NAMES,),
    ).fetchone()
    if missing:
        connection.execute(BOOKS)
    connection.commit()


def close_abandoned_runs(connection: psycopg.Connection) -> None:
    """Close what a killed process left `running`: loads as `failed` (SPEC R4), jobs as `killed`.

    Only the holder of the run lock may call it.
    """
    for books, unit, status in (
        ("raw.load_runs", "load", "failed"),
        ("raw.job_runs", "job", "killed"),
    ):
        closed = connection.execute(
            f"update {books} set status = '{status}', finished_at = clock_timestamp(),"
            f" error = 'The process was killed before this {unit} was done.'"
            " where status = 'running'"
        ).rowcount
        if closed:
            log.warning("%s %s(s) of a killed run closed as %s", closed, unit, status)
    connection.commit()


def remember_salt(connection: psycopg.Connection, settings: Settings) -> None:
    """Give the models the salt of their hashes: from here, as SQL would show it to readers."""
    if settings.salt:
        with connection.transaction():
            connection.execute("delete from raw.hash_salts")
            connection.execute("insert into raw.hash_salts values (%s)", (settings.salt,))


def pending_snapshots(connection: psycopg.Connection) -> dict[datetime, list[str]]:
    """Return the landings that no snapshot has followed yet: known time -> sources, in order.

    A killed run's known time may come again, so a later load of it needs another snapshot.
    """
    rows = connection.execute(
        "select loaded_at, array_agg(distinct source order by source) from raw.load_runs"
        " where created + updated + deleted > 0 and status in ('completed', 'partial')"
        " and not exists ("
        "   select 1 from raw.snapshot_runs where known_through >= load_runs.loaded_at"
        "   and last_load_id >= load_runs.load_id)"
        " group by loaded_at order by loaded_at"
    )
    return dict(rows.fetchall())


def remember_snapshot(connection: psycopg.Connection, known_through: datetime) -> None:
    """Write down that the snapshots hold every landing up to `known_through`."""
    connection.execute(
        "insert into raw.snapshot_runs (known_through, last_load_id, finished_at)"
        " select %s, max(load_id), clock_timestamp() from raw.load_runs",
        (known_through,),
    )


def remember_untouched_snapshots(connection: psycopg.Connection) -> None:
    """Write down that the snapshots know all that is landed: each has followed what it had to.

    A landing that brought a snapshot nothing new gives it nothing to follow.
    """
    connection.execute(
        "insert into raw.build_watermarks"
        " select model_name, schema_name, landed.known_through, '', clock_timestamp()"
        " from raw.build_watermarks cross join ("
        "   select max(loaded_at) as known_through from raw.load_runs"
        "   where status in ('completed', 'partial')) as landed"
        " where schema_name = 'snapshots' group by model_name, schema_name, landed.known_through"
        " having max(build_watermarks.known_through) < landed.known_through"
    )


def forget_snapshots(connection: psycopg.Connection) -> None:
    """Empty the snapshots, to replay them from raw; the views that read them stay."""
    with connection.transaction():
        for (table,) in connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname = 'snapshots'"
        ).fetchall():
            connection.execute(f"truncate {table}")
        connection.execute("delete from raw.snapshot_runs")
        # What reads them knows nothing either, until they are filled again.
        connection.execute(
            "update raw.build_watermarks set known_through = '0001-01-01'"
            " where schema_name = 'snapshots'"
        )


STATE = ("raw", "snapshots", "staging", "intermediate", "marts", "analytics")


def holds_other_than_demo(connection: psycopg.Connection) -> bool:
    """Tell whether anything is landed here that no demo has put here."""
    made = connection.execute("select to_regclass('raw.load_runs')").fetchone()
    return bool(made and made[0]) and not _is_demo(connection)


def _is_demo(connection: psycopg.Connection) -> bool:
    marked = connection.execute(
        "select obj_description(to_regnamespace('raw'), 'pg_namespace')"
    ).fetchone()
    return bool(marked and marked[0] == "demo")


def mark_as_demo(connection: psycopg.Connection) -> None:
    """Mark the warehouse as the demo's, which the next demo may replace; commits."""
    make_books(connection)
    connection.execute("comment on schema raw is 'demo'")
    connection.commit()


def forget_everything(connection: psycopg.Connection) -> None:
    """Drop every schema of the warehouse; commits."""
    for schema in STATE:
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema))
        )
    connection.commit()


def register_schedules(
    connection: psycopg.Connection, schedules: Sequence[tuple[str, str, int]]
) -> None:
    """Make the schedules (job, cron, allowed hours) known to SQL; a new one is late from now."""
    with connection.transaction():
        connection.execute(
            "delete from raw.schedules where job != all(%s)", ([job for job, _, _ in schedules],)
        )
        for schedule in schedules:
            connection.execute(
                "insert into raw.schedules values (%s, %s, %s, clock_timestamp())"
                " on conflict (job) do update"
                " set cron = excluded.cron, allowed_hours = excluded.allowed_hours",
                schedule,
            )


@dataclass
class JobRecord:
    """A job's run while it goes on; what is put in `shortfall` makes it `partial`."""

    shortfall: str | None = None


def record_refusal(settings: Settings, job: str, reason: str) -> None:
    """Write down a run that found the warehouse held by another (SPEC R8)."""
    with connect(settings) as connection:
        connection.execute(
            "insert into raw.job_runs (job, status, clock, started_at, finished_at, error)"
            " values (%s, 'refused', %s, clock_timestamp(), clock_timestamp(), %s)",
            (job, settings.clock(), reason),
        )


@contextmanager
def recorded_job(
    connection: psycopg.Connection, job: str, settings: Settings
) -> Iterator[JobRecord]:
    """Write the job's run, status and duration to `raw.job_runs` (SPEC O2)."""
    row = connection.execute(
        "insert into raw.job_runs (job, status, clock, started_at)"
        " values (%s, 'running', %s, clock_timestamp()) returning job_run_id",
        (job, settings.clock()),
    ).fetchone()
    record, status, message = JobRecord(), "completed", None
    try:
        yield record
        if record.shortfall:
            status, message = "partial", redact(record.shortfall, settings)
    except BaseException as error:
        status, message = _status_of(error), redact(error_text(error), settings)
        raise
    finally:
        connection.execute(
            "update raw.job_runs set status = %s, finished_at = clock_timestamp(), error = %s"
            " where job_run_id = %s",
            (status, message, row[0]),
        )


def _status_of(error: BaseException) -> str:
    """Return the status of a run that ended in an error; an error may bring a word of its own."""
    return getattr(error, "job_status", "failed")


def process_name() -> str:
    """Return how this process is called in the warehouse's list of connections."""
    return f"ledgerhouse pid {os.getpid()} on {socket.gethostname()}"
