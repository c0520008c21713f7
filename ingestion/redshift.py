"""Landing in Redshift: what is committed in Postgres is copied there, through files on S3.

Landing stays where its guarantees are (SPEC R1-R8): in the Postgres warehouse. What its loads have
appended since the last time goes to S3 as files, and one transaction of Redshift COPYs all of them
and writes down how far it came. A kill at any moment repeats nothing and loses nothing.
"""

import gzip
import logging
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import boto3
import psycopg
import redshift_connector
import simplejson
from psycopg import sql

from ingestion.settings import Redshift, Settings, redact
from ingestion.warehouse import WarehouseError, first_line, one_row

log = logging.getLogger(__name__)

MAX_TEXT_BYTES = 65_535
FILE_BYTES = 100_000_000  # before compression; COPY reads the files of a table side by side
NULL = sql.Literal(r"\N")
# Lengths are in bytes there, and the longest text has 65,535.
FITS = sql.SQL("(octet_length(cast(payload as text)) <= 65535 and octet_length(source_key) <= 500)")
TOO_LONG = "It has more than the 65,535 bytes that a text may have in Redshift."

# The books that dbt reads; Redshift has its own of what it builds and publishes itself.
APPENDED_BOOKS = ("load_runs", "quarantine")
REPLACED_BOOKS = (
    *("fields_seen", "hash_salts", "heartbeats", "job_runs", "notices", "schedules"),
    *("publication_attempts", "publication_movements", "publication_acceptances"),
    *("rule_versions", "restatements", "sealed_entries"),
    *("period_proposals", "period_approvals", "period_closes", "period_close_totals"),
    *("period_reopens", "acknowledgements"),
)
OWN_BOOKS = """
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
create table if not exists landing.publications (
    publication_id bigint identity(1, 1),
    schema_name varchar(100) not null,
    known_through timestamp not null,
    published_at timestamp not null
);
create table if not exists landing.replications (
    last_load_id bigint not null,
    known_through timestamp not null,
    finished_at timestamp not null
);
"""
# What books of an older ledgerhouse lack there.
ADDED_COLUMNS = {"rules": "varchar(100)", "restatement_id": "bigint"}
OWN_COLUMNS = """
select column_name from information_schema.columns
where table_schema = 'landing' and table_name = 'build_watermarks'
"""
TABLES = """
select relname, array_agg(attname order by attnum),
    array_agg(format_type(atttypid, atttypmod) order by attnum)
from pg_class inner join pg_attribute on attrelid = pg_class.oid
where relnamespace = 'landing'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
    and (relname like %s or relname = any(%s))
group by relname order by relname
"""


@dataclass(frozen=True)
class Table:
    """A table of landing: its columns with their types in Redshift."""

    name: str
    columns: dict[str, str]

    @property
    def is_stream(self) -> bool:
        """Tell whether it holds a stream's versions; the others are books."""
        return "__" in self.name


@dataclass(frozen=True)
class Progress:
    """How far Redshift has come: the last load it holds, and what was known by then."""

    last_load_id: int = 0
    known_through: datetime = datetime(1, 1, 1)


def replicate(connection: psycopg.Connection, settings: Settings) -> Progress:
    """Copy to Redshift what was landed since the last time; returns how far it has come.

    The caller holds the run lock, so no load is open. Raises WarehouseError with the cure.
    """
    redshift = _configured(settings)
    with closing(connect(settings)) as target:
        tables = _tables(connection)
        _make_tables(target, tables)
        before, now = _progress(target), _landed(connection)
        if now != before:
            _remember_here(connection, now)
        for table, manifest in _staged(connection, redshift, tables, before):
            _copy(target, redshift, table, manifest)
        execute(
            target,
            "insert into landing.replications (last_load_id, known_through, finished_at)"
            " values (%s, %s, getdate())",
            now.last_load_id,
            now.known_through,
        )
        target.commit()
    log.info("Redshift holds what is landed through load %s", now.last_load_id)
    return now


def forget_snapshots(connection: psycopg.Connection, settings: Settings) -> None:
    """Empty Redshift's snapshots, to replay them from its landing; those of Postgres stay."""
    with closing(connect(settings)) as target:
        tables = execute(
            target, "select tablename from pg_catalog.pg_tables where schemaname = 'snapshots'"
        ).fetchall()
        for (table,) in tables:
            execute(target, f"delete from snapshots.{table}")
        if tables:
            execute(
                target,
                "update landing.build_watermarks set known_through = '0001-01-01'"
                " where schema_name = 'snapshots'",
            )
        target.commit()
    connection.execute("delete from landing.snapshot_runs")


def connect(settings: Settings) -> redshift_connector.Connection:
    """Connect to Redshift; raises WarehouseError with the cure."""
    redshift = _configured(settings)
    database = redshift.database
    try:
        return redshift_connector.connect(
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.secret(),
            database=database.name,
            ssl=redshift.sslmode != "disable",
        )
    except redshift_connector.Error as error:
        message = (
            f"Redshift at {database.host}:{database.port}/{database.name} cannot be reached: "
            f"{first_line(error)}. Check REDSHIFT_HOST, REDSHIFT_PORT, REDSHIFT_USER, "
            "REDSHIFT_PASSWORD and REDSHIFT_NAME, and the workgroup's security group."
        )
        raise WarehouseError(redact(message, settings)) from None


def _configured(settings: Settings) -> Redshift:
    if settings.redshift is None:
        raise WarehouseError("The target is redshift, and REDSHIFT_HOST is not set.")
    return settings.redshift


def _tables(connection: psycopg.Connection) -> list[Table]:
    rows = connection.execute(TABLES, ("%\\_\\_%", [*APPENDED_BOOKS, *REPLACED_BOOKS]))
    return [
        Table(name, {column: _type(kind) for column, kind in zip(columns, kinds, strict=True)})
        for name, columns, kinds in rows.fetchall()
    ]


def _type(kind: str) -> str:
    kind = kind.replace("character varying", "varchar").replace(" without time zone", "")
    return f"varchar({MAX_TEXT_BYTES})" if kind == "jsonb" else kind


def _make_tables(target: redshift_connector.Connection, tables: Sequence[Table]) -> None:
    """Make what is missing. A stream is spread by its key, and sorted by when it was landed."""
    execute(target, "create schema if not exists landing")
    for statement in OWN_BOOKS.split(";")[:-1]:
        execute(target, statement)
    there = {name for (name,) in execute(target, OWN_COLUMNS).fetchall()}
    for name, kind in ADDED_COLUMNS.items():
        if name not in there:
            execute(target, f"alter table landing.build_watermarks add column {name} {kind}")
    for table in tables:
        columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
        keys = "distkey (source_key) sortkey (loaded_at)" if table.is_stream else "diststyle all"
        execute(target, f"create table if not exists landing.{table.name} ({columns}) {keys}")
    target.commit()


def _progress(target: redshift_connector.Connection) -> Progress:
    row = execute(
        target,
        "select last_load_id, known_through from landing.replications"
        " order by last_load_id desc, finished_at desc limit 1",
    ).fetchone()
    return Progress(*row) if row else Progress()


def _landed(connection: psycopg.Connection) -> Progress:
    last_load_id, known_through = one_row(
        connection.execute(
            "select coalesce(max(load_id), 0), max(loaded_at) filter ("
            "   where status in ('completed', 'partial'))"
            " from landing.load_runs"
        )
    )
    return Progress(last_load_id, known_through or Progress.known_through)


def _remember_here(connection: psycopg.Connection, now: Progress) -> None:
    """Let landing refuse what claims to be known before this: Redshift builds on it (SPEC L5)."""
    connection.execute(
        "insert into landing.build_watermarks"
        " select 'landing', 'redshift', %s, 'replicated', clock_timestamp()",
        (now.known_through,),
    )
    if not connection.autocommit:
        connection.commit()


def _staged(
    connection: psycopg.Connection, redshift: Redshift, tables: Sequence[Table], before: Progress
) -> Iterator[tuple[Table, str | None]]:
    """Write what is new to S3; yield each table with its files' manifest, if it has files."""
    bucket, prefix = redshift.stage_parts()
    store, folder = boto3.client("s3"), f"{prefix}{uuid.uuid4()}"
    for table in tables:
        entries = []
        for number, part in enumerate(_parts(connection, _new_rows(table, tables, before))):
            key = f"{folder}/{table.name}/{number:06}.csv.gz"
            with part:
                store.upload_fileobj(part, bucket, key)
            entries.append({"url": f"s3://{bucket}/{key}", "mandatory": True})
        manifest = f"{folder}/{table.name}/manifest"
        if entries:
            body = simplejson.dumps({"entries": entries}).encode()
            store.put_object(Bucket=bucket, Key=manifest, Body=body)
        yield table, f"s3://{bucket}/{manifest}" if entries else None


def _parts(connection: psycopg.Connection, query: sql.Composable) -> Iterator[IO[bytes]]:
    """Yield files of a query's rows, as CSV in gzip; none if there are no rows."""
    part: tuple[IO[bytes], gzip.GzipFile] | None = None
    size = 0
    statement = sql.SQL("copy ({}) to stdout (format csv, null {})").format(query, NULL)
    with connection.cursor().copy(statement) as rows:
        for row in rows:
            if part is None:
                part, size = _new_part(), 0
            part[1].write(bytes(row))
            size += len(row)
            if size >= FILE_BYTES:
                yield _closed(part)
                part = None
    if part is not None:
        yield _closed(part)


def _new_rows(table: Table, tables: Sequence[Table], progress: Progress) -> sql.Composed:
    """Return the query of what a table has that Redshift has not.

    A version too long for Redshift is left out, and is a row of its landing.quarantine instead.
    """
    names = {
        "columns": sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        "table": sql.Identifier("landing", table.name),
    }
    if table.name in REPLACED_BOOKS:
        return sql.SQL("select {columns} from {table}").format(**names)
    query = sql.SQL("select {columns} from {table} where load_id > {load}").format(
        **names, load=sql.Literal(progress.last_load_id)
    )
    if table.is_stream:
        return query + _landed_since(progress) + sql.SQL(" and ") + FITS
    if table.name == "quarantine":
        query += sql.Composed(
            [_too_long(stream, progress) for stream in tables if stream.is_stream]
        )
    return query


def _landed_since(progress: Progress) -> sql.Composed:
    """Return the condition that an index of the tables serves; loads of one run share its time."""
    return sql.SQL(" and loaded_at >= {}").format(sql.Literal(progress.known_through))


def _too_long(table: Table, progress: Progress) -> sql.Composed:
    source, stream = table.name.split("__", 1)
    query = sql.SQL(
        " union all select {source}, {stream}, tenant, left(cast(payload as text), 1000),"
        " payload_hash, {reason}, load_id, loaded_at from {table} where load_id > {load}"
    ).format(
        source=sql.Literal(source),
        stream=sql.Literal(stream),
        reason=sql.Literal(TOO_LONG),
        table=sql.Identifier("landing", table.name),
        load=sql.Literal(progress.last_load_id),
    )
    return query + _landed_since(progress) + sql.SQL(" and not ") + FITS


def _new_part() -> tuple[IO[bytes], gzip.GzipFile]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by who uploads it)
    return file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1)


def _closed(part: tuple[IO[bytes], gzip.GzipFile]) -> IO[bytes]:
    part[1].close()
    part[0].seek(0)
    return part[0]


def _copy(
    target: redshift_connector.Connection, redshift: Redshift, table: Table, manifest: str | None
) -> None:
    """Add the files' rows to a table; books may lose the end of a text that is too long."""
    if table.name in REPLACED_BOOKS:
        execute(target, f"delete from landing.{table.name}")
    if manifest:
        options = "" if table.is_stream else " truncatecolumns"
        execute(
            target,
            f"copy landing.{table.name} ({', '.join(table.columns)}) from '{manifest}'"
            f" iam_role '{redshift.role}' manifest format csv gzip timeformat 'auto'{options}",
        )


def execute(
    target: redshift_connector.Connection, statement: str, *parameters: Any
) -> redshift_connector.Cursor:
    """Run a statement; returns its cursor."""
    cursor = target.cursor()
    cursor.execute(statement, parameters or None)
    return cursor
