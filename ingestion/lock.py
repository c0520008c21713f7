"""One pipeline run at a time: the lock of a run, and the turn that its steps show (SPEC R8).

The lock is on a table that its owner alone can lock, and dies with the connection that holds it. A
turn outlives a lost connection: a step may only commit while its run's turn has not been taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from uuid import uuid4

import psycopg

from ingestion.books import close_abandoned_runs, make_books
from ingestion.settings import Settings
from ingestion.warehouse import connect, process_name

# How long a run waits for steps in flight (of dbt by hand, or of a run that was killed).
STEP_SECONDS = 20
# A lock that conflicts with itself and with no reader or writer: only its owner may take it.
RUN_LOCK_MODE = "share update exclusive"


class RunLockError(Exception):
    """Another pipeline run holds the warehouse; the message says who (SPEC R8)."""


def is_held(connection: psycopg.Connection) -> bool:
    """Tell whether a pipeline run holds the warehouse now."""
    return _running(connection) is not None


def may_hold(connection: psycopg.Connection) -> bool:
    """Tell whether the connection's role may hold the warehouse, as its owner may."""
    query = (
        "select pg_has_role(session_user, relowner, 'usage') from pg_class"
        " where oid = to_regclass('landing.run_lock')"
    )
    row = connection.execute(query).fetchone()
    return row is None or bool(row[0])


@contextmanager
def run_lock(settings: Settings, *, writes: bool = True) -> Iterator[psycopg.Connection]:
    """Hold the warehouse for one pipeline run; yields a connection to work with (SPEC R8).

    A run that does not write models or landings lets dbt started by hand go on.

    The lock dies with the connection that holds it, so a killed run never blocks the next one.
    Raises RunLockError at once when another run holds it, and after `STEP_SECONDS` when a step of
    dbt started by hand, or of a killed run, is still writing.
    """
    with connect(settings, autocommit=True) as connection:
        _make_lock(connection)
        turn = _taken_turn(connection, settings) if writes else nullcontext()
        with _held(settings, connection), turn:
            make_books(connection)
            close_abandoned_runs(connection)
            yield connection


def keep_turn(connection: psycopg.Connection, settings: Settings) -> None:
    """In the transaction of a step that writes: keep the next run waiting until it is committed.

    Raises RunLockError where this run has lost its lock, and another has had the warehouse since.
    """
    if (
        _turn.token
        and not connection.execute(
            "select 1 from landing.run_lock where schema_name = %s and token = %s for share",
            (settings.published_schema, _turn.token),
        ).fetchone()
    ):
        raise RunLockError(
            "The connection that held the warehouse for this run was lost, and another has had the"
            " warehouse since. Nothing of this step was kept: start the run again."
        )


@dataclass
class _Turn:
    """The run of this process, while it holds the warehouse; dbt's steps show its token."""

    token: str | None = None


_turn = _Turn()


def turn_token() -> str | None:
    """Return the token of the run that this process holds the warehouse for."""
    return _turn.token


def _make_lock(connection: psycopg.Connection) -> None:
    made = connection.execute("select to_regclass('landing.run_lock')").fetchone()
    if not (made and made[0]):
        with suppress(psycopg.errors.UniqueViolation):  # another first run makes it just now
            make_books(connection)


@contextmanager
def _held(settings: Settings, connection: psycopg.Connection) -> Iterator[None]:
    """Hold the lock by a transaction of its own that reads nothing, so that vacuum goes on."""
    with connect(settings, autocommit=True) as holder:
        holder.execute(
            "select set_config(name, '0', false) from pg_settings where name in"
            " ('idle_in_transaction_session_timeout', 'statement_timeout', 'transaction_timeout')"
        )
        with holder.transaction():
            try:
                holder.execute(f"lock table landing.run_lock in {RUN_LOCK_MODE} mode nowait")
            except psycopg.errors.LockNotAvailable:
                raise RunLockError(_holder(connection)) from None
            yield


@contextmanager
def _taken_turn(connection: psycopg.Connection, settings: Settings) -> Iterator[None]:
    """Take the turn from whoever had it, once no step of theirs is in flight."""
    token, schema = uuid4().hex, settings.published_schema
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{STEP_SECONDS}s'")
            connection.execute(
                "insert into landing.run_lock values (%s, %s, %s, clock_timestamp())"
                " on conflict (schema_name) do update"
                " set token = excluded.token, holder = excluded.holder,"
                " taken_at = excluded.taken_at",
                (schema, token, process_name()),
            )
    except psycopg.errors.LockNotAvailable:
        raise RunLockError(_writer(connection, schema)) from None
    _turn.token = token
    try:
        yield
    finally:
        _turn.token = None


def _running(connection: psycopg.Connection) -> str | None:
    """Return who holds the run lock now, and since when."""
    row = connection.execute(
        "select activity.application_name || ', since '"
        "       || to_char(activity.backend_start, 'YYYY-MM-DD HH24:MI:SS') || ' UTC'"
        " from pg_locks as locks"
        " inner join pg_stat_activity as activity on locks.pid = activity.pid"
        " where locks.relation = to_regclass('landing.run_lock') and locks.granted"
        " and locks.mode = 'ShareUpdateExclusiveLock'"
        " and locks.database = ("
        "   select oid from pg_database where datname = current_database())"
    ).fetchone()
    return row[0] if row else None


def _holder(connection: psycopg.Connection) -> str:
    who = _running(connection) or "a run that has just ended"
    return f"Another pipeline run holds the warehouse: {who}. This run did nothing."


def _writer(connection: psycopg.Connection, schema: str) -> str:
    row = connection.execute(
        "select holder, to_char(taken_at, 'YYYY-MM-DD HH24:MI:SS') from landing.run_lock"
        " where schema_name = %s",
        (schema,),
    ).fetchone()
    who = f"{row[0]}, since {row[1]} UTC" if row else "unknown"
    return (
        f"A step of another is still writing to the warehouse: {who}. This run did nothing: let it"
        " end, or stop it, and start this run again."
    )
