"""The only writer of landed tables: append changed versions, exactly counted, in one transaction.

A load is opened, given records, and completed. Its rows, its record in `landing.load_runs` and its
cursor become visible together, or not at all (SPEC R1-R7).
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import md5
from tempfile import SpooledTemporaryFile
from typing import Any

import psycopg
from psycopg import sql

from ingestion import shape
from ingestion.erasure import Erasures, read_erasures
from ingestion.lock import keep_turn
from ingestion.records import (
    NoKey,
    as_json,
    as_text,
    copy_line,
    judge_length,
    key_or_none,
    source_key,
    storable,
)
from ingestion.settings import Settings, redact
from ingestion.streams import Scope, Stream, drop_key_index, make_key_index, make_table
from ingestion.warehouse import first_line, one_row

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 5
ANALYZE_ABOVE_ROWS = 1_000
COPY_BATCH_BYTES = 1 << 16
SPOOL_BYTES = 1 << 22
# The latest version of a key; the unique index on (source_key, tenant, loaded_at) serves it.
_LATEST = (
    "select payload_hash, is_deleted from {table} as version"
    " where version.tenant = %(tenant)s and version.source_key = incoming.source_key"
    " order by version.loaded_at desc limit 1"
)
# The same among versions of earlier loads, and only if it is live and in the scope.
_LATEST_BEFORE = (
    "select payload, payload_hash from ("
    "  select payload, payload_hash, is_deleted from {table} as version"
    "  where version.tenant = %(tenant)s and version.source_key = candidates.source_key"
    "    and version.load_id < %(load_id)s"
    "  order by version.loaded_at desc limit 1"
    ") as version where not is_deleted and ({live})"
)


class LoadFailed(Exception):
    """A load did not land; nothing of it was kept and its cursor did not move."""


@dataclass
class Counts:
    """What became of the records; received = created + updated + unchanged + quarantined."""

    received: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    quarantined: int = 0
    api_calls: int = 0


@dataclass
class Load:
    """An open load. Feed it with `add`, `reject` or `copy_rows`, then call `complete`."""

    connection: psycopg.Connection
    settings: Settings
    stream: Stream
    tenant: str
    loaded_at: datetime
    load_id: int
    cursor: str | None
    erasures: Erasures = field(default_factory=Erasures)
    counts: Counts = field(default_factory=Counts)
    status: str = "running"
    error: str | None = None
    is_accepted: bool = False
    seconds: float = 0.0
    is_whole: bool = True  # no record came whose key could not be read
    started: float = field(default_factory=time.monotonic)
    _copy: Any = None
    _copy_context: Any = None
    _versions: str | None = None
    _rejected: list[tuple[str, str]] = field(default_factory=list)
    _without_key: int = 0
    _parents: Counter[bool] = field(default_factory=Counter)  # by whether they brought a list
    _unread_keys: list[str] = field(default_factory=list)
    _spool: Any = field(default_factory=partial(SpooledTemporaryFile, SPOOL_BYTES))
    _actions: list[Callable[[psycopg.Connection], None]] = field(default_factory=list)
    _reported: float = field(default_factory=time.monotonic)

    def add(self, record: Any) -> None:
        """Take one record as received; one that cannot be landed is quarantined (SPEC R5)."""
        try:
            row = self.encode(record)
        except ValueError as error:
            key = key_or_none(record, self.stream.key)
            self.is_whole = self.is_whole and key is not None
            self._without_key += isinstance(error, NoKey)
            self.reject(as_text(record), str(error), key)
        else:
            self.write(row)

    def encode(self, record: Any) -> tuple[str, str]:
        """Return the record as a row to `write`; raises ValueError if it cannot be landed.

        Of a person who was erased it holds no more than was left then.
        """
        try:
            key = source_key(record, self.stream.key)
            if self.stream.scope_field:
                judge_length(record.get(self.stream.scope_field), self.stream.scope_field)
            return key, as_json(self.erasures.applied(record, self.stream.people))
        except RecursionError:
            raise ValueError("the record is nested too deep") from None

    def write(self, row: tuple[str, str]) -> None:
        """Take a row that `encode` made.

        It waits in a file for `complete`: no transaction is open while a source is read.
        """
        self.counts.received += 1
        self._spool.write(copy_line(row))
        self._report()

    def reject(self, text: str, reason: str, key: str | None = None) -> None:
        """Quarantine a record that cannot be landed, as text with the reason.

        Its `key`, where it is known, is not concluded to be gone (SPEC R3).
        """
        self.counts.received += 1
        self.counts.quarantined += 1
        self._rejected.append((storable(text)[:60_000], storable(reason)[:1000]))
        if key is not None:
            self._unread_keys.append(key)

    def saw_parent(self, parent: Any, name: str) -> None:
        """Take note of whether a parent brings the list that this stream's records come in.

        One without any children brings an empty one; a list that went missing is a shape (R11).
        """
        self._parents[isinstance(parent, dict) and name in parent] += 1

    def copy_rows(self, rows: Iterable[bytes | bytearray | memoryview]) -> None:
        """Take rows of (key, JSON text) in COPY text form, as another Postgres sends them."""
        copy, batch, size = self._open_copy(), [], 0
        for row in rows:
            self.counts.received += 1
            batch.append(bytes(row))
            size += len(row)
            if size >= COPY_BATCH_BYTES:
                copy.write(b"".join(batch))
                batch, size = [], 0
                self._report()
        copy.write(b"".join(batch))

    def also(self, action: Callable[[psycopg.Connection], None]) -> None:
        """Run `action` in the load's own transaction, just before it is committed."""
        self._actions.append(action)

    def complete(self, *, scope: Scope | None = None, cursor: str | None = None) -> None:
        """Append what is new, conclude deletions from `scope`, move the cursor, and commit.

        Raises LoadFailed when the records have another shape (R11), the scope lost too much (R3) or
        the clock went back: behind the stream's last landing (R3a) or behind what the ledger was
        built from (L5).
        """
        self.judge(scope)
        keep_turn(self.connection, self.settings)
        self._append_changes()
        if scope:
            self._append_deletions(scope)
        self._refuse_backward_clock()
        self._keep_rejected()
        for action in self._actions:
            action(self.connection)
        self.status = "partial" if self.counts.quarantined else "completed"
        _close_run(self, cursor_after=self.cursor if cursor is None else cursor)
        self.connection.commit()
        if self.counts.created + self.counts.updated > ANALYZE_ABOVE_ROWS:
            self._run("analyze {table}")
            self.connection.commit()

    def judge(self, scope: Scope | None = None) -> None:
        """Raise LoadFailed where the records taken have another shape than before (SPEC R11).

        `complete` does it. Called before, nothing that belongs to the records is landed either.
        """
        if self._versions:
            return
        self._close_copy()
        make_table(self.connection, self.stream)
        self._drop_keyless()
        self._versions = versions = self._find_versions()
        received = self.counts.received - self.counts.quarantined
        try:
            shape.judge_keys(self, self._without_key)
            shape.judge_lists(self, lacking=self._parents[False], parents=self._parents.total())
            shape.judge(
                self,
                versions,
                is_first=versions == "incoming",
                is_whole=bool(scope and scope.is_all(received)),
            )
        except shape.ShapeRefused as refused:
            raise LoadFailed(str(refused)) from None

    def _open_copy(self) -> Any:
        if self._copy is None:
            _make_incoming(self.connection)
            self._copy_context = self.connection.cursor().copy(
                "copy incoming (source_key, payload) from stdin"
            )
            self._copy = self._copy_context.__enter__()
        return self._copy

    def _close_copy(self) -> None:
        self._spool.seek(0)
        while piece := self._spool.read(COPY_BATCH_BYTES):
            self._open_copy().write(piece)
        self._spool.close()
        if self._copy is None:
            _make_incoming(self.connection)
        else:
            self._copy_context.__exit__(None, None, None)
            self._copy = None

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            rate = self.counts.received / (now - self.started)
            log.info("%s: %s read, %.0f/s", self.stream.name, f"{self.counts.received:,}", rate)

    def _run(self, statement: str, **parameters: Any) -> psycopg.Cursor:
        known = {"tenant": self.tenant, "loaded_at": self.loaded_at, "load_id": self.load_id}
        query = sql.SQL(statement).format(
            table=self.stream.table, scope_field=sql.Literal(self.stream.scope_field)
        )
        return self.connection.execute(query, known | parameters)

    def _value(self, statement: str, **parameters: Any) -> Any:
        row = self._run(statement, **parameters).fetchone()
        return row[0] if row else None

    def _drop_keyless(self) -> None:
        """Quarantine copied rows without a key; of repeated keys the last one counts."""
        for (payload,) in self._run(
            "delete from incoming where coalesce(trim(source_key), '') = '' returning payload::text"
        ).fetchall():
            self.counts.received -= 1
            self._without_key += 1
            self.reject(payload, "the key is null or blank")
        self._run(
            "delete from incoming using ("
            "  select source_key, max(ordinal) as ordinal from incoming"
            "  group by source_key having count(*) > 1"
            ") as last"
            " where incoming.source_key = last.source_key and incoming.ordinal < last.ordinal"
        )

    def _find_versions(self) -> str:
        """Return the temporary table of what is to be appended: all, where there is nothing yet."""
        if self._value("select not exists (select 1 from {table})"):
            return "incoming"
        self._run(
            "create temporary table changed on commit drop as"
            " select incoming.source_key, incoming.payload, incoming.payload_hash,"
            "        latest.payload_hash is null as is_new"
            " from (select *, md5(payload::text) as payload_hash from incoming) as incoming"
            f" left join lateral ({_LATEST}) as latest on true"
            " where latest.payload_hash is null or latest.is_deleted"
            "    or latest.payload_hash <> incoming.payload_hash",
        )
        return "changed"

    def _append_changes(self) -> None:
        if self._versions == "incoming":
            self._append_first()
        else:
            self._append_compared()
        self.counts.unchanged = (
            self.counts.received
            - self.counts.created
            - self.counts.updated
            - self.counts.quarantined
        )

    def _append_first(self) -> None:
        """Fill an empty table: nothing to compare with, and its index is made afterwards."""
        drop_key_index(self.connection, self.stream)
        self.counts.created = self._run(
            "insert into {table}"
            " select %(tenant)s, source_key, payload, md5(payload::text), false,"
            "        %(loaded_at)s, %(load_id)s"
            " from incoming"
        ).rowcount
        make_key_index(self.connection, self.stream)

    def _append_compared(self) -> None:
        self.counts.created, self.counts.updated = one_row(
            self._run(
                "select count(*) filter (where is_new), count(*) filter (where not is_new)"
                " from changed"
            )
        )
        self._run(
            "insert into {table}"
            " select %(tenant)s, source_key, payload, payload_hash, false, %(loaded_at)s,"
            "        %(load_id)s"
            " from changed"
        )

    def _append_deletions(self, scope: Scope) -> None:
        if not self.counts.received and not scope.may_be_empty:
            self._refuse_empty(scope)
            return
        self._run(
            "create temporary table live on commit drop as"
            " select candidates.source_key, latest.payload, latest.payload_hash,"
            "        incoming.source_key is null"
            "        and candidates.source_key <> all(%(unread)s::text[]) as is_gone"
            f" from ({scope.keys}) as candidates"
            " left join incoming on candidates.source_key = incoming.source_key"
            f" inner join lateral ({_LATEST_BEFORE.replace('{live}', scope.live)}) as latest"
            "   on true",
            **scope.parameters,
            unread=self._unread_keys,
        )
        live, gone = one_row(
            self._run("select count(*), count(*) filter (where is_gone) from live")
        )
        live = scope.live_before or live
        allowed = self.stream.max_deleted_share
        if allowed is None:
            allowed = self.settings.max_deleted_share
        if gone > allowed * live:
            raise LoadFailed(
                f"{self.stream.source}.{self.stream.name}: {gone} of {live} live rows are missing "
                f"from the answer, more than the allowed {allowed:.0%}. Nothing was landed. If "
                "they are really gone, run again with LEDGERHOUSE_MAX_DELETED_SHARE=1."
            )
        self.counts.deleted = self._run(
            "insert into {table}"
            " select %(tenant)s, source_key, payload, payload_hash, true, %(loaded_at)s,"
            "        %(load_id)s"
            " from live where is_gone"
        ).rowcount

    def _refuse_empty(self, scope: Scope) -> None:
        found = self._value(
            f"select count(*) from ({scope.keys}) as candidates"
            f" inner join lateral ({_LATEST_BEFORE.replace('{live}', scope.live)}) as latest"
            "   on true",
            **scope.parameters,
        )
        if found:
            raise LoadFailed(
                f"{self.stream.source}.{self.stream.name}: the answer is empty, {found} rows were "
                "expected. An empty answer proves nothing; nothing was deleted. Check the key and "
                "the vendor's status page."
            )

    def _refuse_backward_clock(self) -> None:
        if not self.counts.created + self.counts.updated + self.counts.deleted:
            return
        last = self._value(
            "select greatest("
            "  (select max(loaded_at) from landing.load_runs"
            "   where source = %(source)s and stream = %(stream)s and tenant = %(tenant)s"
            "     and status in ('completed', 'partial') and created + updated + deleted > 0),"
            "  (select max(known_through) from landing.build_watermarks"
            "   where schema_name <> 'snapshots'),"
            "  (select max(restated_at) from landing.restatements),"
            "  (select max(closed_at) from landing.period_closes),"
            "  (select max(reopened_at) from landing.period_reopens))",
            source=self.stream.source,
            stream=self.stream.name,
        )
        if last and last >= self.loaded_at:
            raise LoadFailed(
                f"{self.stream.source}.{self.stream.name}: the pipeline clock says "
                f"{self.loaded_at}, but what was known until {last} is already landed and built. "
                "What is new must be known later: correct the clock or LEDGERHOUSE_NOW."
            )
        self._lower_snapshots()

    def _lower_snapshots(self) -> None:
        """Let snapshots made at this very clock not claim to know what is landed just now.

        A run that was killed may be repeated at its clock, and then has new loads to follow.
        """
        self._run(
            "update landing.build_watermarks set known_through ="
            " %(loaded_at)s - interval '1 second'"
            " where schema_name = 'snapshots' and known_through >= %(loaded_at)s"
        )

    def _keep_rejected(self) -> None:
        for text, reason in self._rejected:
            digest = md5(text.encode()).hexdigest()
            self._run(
                "insert into landing.quarantine"
                " select * from (select"
                "   cast(%(source)s as varchar) as source, cast(%(stream)s as varchar) as stream,"
                "   cast(%(tenant)s as varchar) as tenant, %(text)s,"
                "   cast(%(hash)s as varchar) as record_hash, %(reason)s, %(load_id)s,"
                "   %(loaded_at)s"
                " ) as rejected"
                " where not exists ("
                "   select 1 from landing.quarantine as kept where kept.source = rejected.source"
                "     and kept.stream = rejected.stream and kept.tenant = rejected.tenant"
                "     and kept.record_hash = rejected.record_hash)",
                source=self.stream.source,
                stream=self.stream.name,
                text="erased" if self.erasures.holds(text) else text,
                hash=digest,
                reason=reason,
            )
            log.warning("%s.%s: quarantined: %s", self.stream.source, self.stream.name, reason)


@contextmanager
def open_load(
    connection: psycopg.Connection,
    settings: Settings,
    stream: Stream,
    *,
    loaded_at: datetime,
    tenant: str = "main",
) -> Iterator[Load]:
    """Open a load; on any error it is closed as `failed`, nothing is kept, LoadFailed is raised.

    A body that ends without `complete` is a failed load too.
    """
    load_id, cursor = _open_run(connection, stream, tenant, loaded_at)
    load = Load(connection, settings, stream, tenant, loaded_at, load_id, cursor)
    try:
        if stream.people:
            load.erasures = read_erasures(connection, settings)
            connection.commit()
        yield load
        if load.status == "running":
            raise LoadFailed(f"{stream.source}.{stream.name}: the load was not completed")
    except BaseException as error:
        if load.status == "running":
            _abort(load, error)
        if isinstance(error, LoadFailed) or not isinstance(error, Exception):
            raise
        raise LoadFailed(redact(f"{stream.source}.{stream.name}: {error}", settings)) from error
    finally:
        load._spool.close()
        _log_outcome(load)


def _make_incoming(connection: psycopg.Connection) -> None:
    connection.execute(
        "create temporary table incoming ("
        "  ordinal bigint generated always as identity, source_key text, payload jsonb"
        ") on commit drop"
    )


def _open_run(
    connection: psycopg.Connection, stream: Stream, tenant: str, loaded_at: datetime
) -> tuple[int, str | None]:
    row = connection.execute(
        "select cursor_after from landing.load_runs"
        " where source = %s and stream = %s and tenant = %s and status in ('completed', 'partial')"
        " order by load_id desc limit 1",
        (stream.source, stream.name, tenant),
    ).fetchone()
    cursor = row[0] if row else None
    opened = connection.execute(
        "insert into landing.load_runs"
        " (source, stream, tenant, status, loaded_at, started_at, cursor_before)"
        " values (%s, %s, %s, 'running', %s, clock_timestamp(), %s) returning load_id",
        (stream.source, stream.name, tenant, loaded_at, cursor),
    )
    (load_id,) = one_row(opened)
    connection.commit()
    return load_id, cursor


def _close_run(load: Load, *, cursor_after: str | None = None, error: str | None = None) -> None:
    load.connection.execute(
        "update landing.load_runs set status = %s, finished_at = clock_timestamp(), received = %s,"
        " created = %s, updated = %s, unchanged = %s, deleted = %s, quarantined = %s,"
        " api_calls = %s, cursor_after = %s, error = %s where load_id = %s",
        (
            load.status,
            load.counts.received,
            load.counts.created,
            load.counts.updated,
            load.counts.unchanged,
            load.counts.deleted,
            load.counts.quarantined,
            load.counts.api_calls,
            cursor_after,
            error,
            load.load_id,
        ),
    )


def _abort(load: Load, error: BaseException) -> None:
    load.status = "failed"
    load.counts = Counts(api_calls=load.counts.api_calls)
    message = first_line(error) if isinstance(error, Exception) else type(error).__name__
    load.error = redact(message, load.settings)
    if load.connection.closed:
        return
    if load._copy is not None:
        load._copy_context.__exit__(type(error), error, None)
    load.connection.rollback()
    _close_run(load, cursor_after=load.cursor, error=load.error)
    load.connection.commit()


def _log_outcome(load: Load) -> None:
    counts = load.counts
    load.seconds = time.monotonic() - load.started
    log.info(
        "%s.%s %s: %s received, %s created, %s updated, %s unchanged, %s deleted, "
        "%s quarantined, %.1f s",
        load.stream.source,
        load.stream.name,
        load.status,
        counts.received,
        counts.created,
        counts.updated,
        counts.unchanged,
        counts.deleted,
        counts.quarantined,
        load.seconds,
    )
