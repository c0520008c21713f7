"""What is done to the warehouse, each in a process of its own, so that it can be killed.

A night, a command of dbt typed by hand, two at once; killed after so many steps, its server's
processes ended, or the server itself.
"""

import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import count
from typing import Any

import psycopg
from dbt.adapters.sql import SQLConnectionManager

from ingestion import embedded
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import dbt_arguments

LONGEST_SECONDS = 400  # of one step
LONGEST_WAIT_SECONDS = 60  # until an action is asleep
HAND_COMMANDS = (
    ("run", "--select", "int_product_prices_timeline+"),
    ("run", "--select", "int_deal_terms_timeline+"),
    ("run", "--select", "config.materialized:table"),
    ("run", "--select", "config.materialized:incremental"),
    ("run", "--select", "int_sales_typed+", "--full-refresh"),
    ("run", "--select", "fct_ledger_entries"),
    ("run", "--select", "fct_ledger_entries", "--full-refresh"),
    ("snapshot",),
    ("snapshot", "--select", "snap_seeds__*"),
    ("build", "--select", "+int_calls_stated", "--exclude-resource-type", "test"),
    ("build", "--exclude-resource-type", "test", "unit_test"),
    ("run",),
)


@dataclass(frozen=True)
class Ended:
    """How a step ended: `steps` it took, the error it raised, or the signal that ended it."""

    steps: int = 0
    error: str | None = None
    kind: str | None = None
    was_killed: bool = False
    failed_sources: tuple[str, ...] = ()


# What is done; it may return the sources that failed, each with its cause.
Action = Callable[[], tuple[str, ...] | None]


def night(settings: Settings) -> Action:
    """Return the night, as the schedule runs it."""

    def run() -> tuple[str, ...]:
        done = pipeline.run_job(settings, "nightly")
        causes = tuple(f"{o.source}: {o.error}" for o in done.outcomes if o.is_failed)
        if causes:
            print("failed sources:", *causes, sep="\n  ", file=sys.stderr)
        return causes

    return run


def night_without_build(settings: Settings) -> Action:
    """Return a night that lands, and whose build never begins."""

    def run() -> None:
        with pipeline.open_job(settings, "nightly") as job:
            pipeline.prepare(job)
            pipeline.land(job)
            raise RuntimeError("dbt does not start")

    return run


def hand(settings: Settings, command: tuple[str, ...]) -> Action:
    """Return a command of dbt, as a person types it."""

    def run() -> None:
        from dbt.cli.main import dbtRunner

        arguments = dbt_arguments(settings, *command)
        del os.environ["LEDGERHOUSE_RUN"]
        outcome = dbtRunner().invoke(arguments)
        if not outcome.success:
            raise RuntimeError(f"dbt {' '.join(command)}: {_failures(outcome)}")

    return run


def _failures(outcome: Any) -> str:
    results = getattr(outcome.result, "results", None) or []
    bad = [f"{node.node.name}: {node.message}" for node in results if node.status != "success"]
    return "; ".join(bad[:3]) or str(outcome.exception)


def accept(settings: Settings) -> Action:
    """Return the acceptance of what the guard holds."""

    def run() -> None:
        pipeline.accept(settings, "the simulator", "looked at")

    return run


def play(action: Action, at: int | None = None, what: str = "client") -> Ended:
    """Run an action in a child; before its step `at`, end the client, backends or the server."""
    return _ending(*_begin(action, at, what))


def play_together(*actions: Action) -> list[Ended]:
    """Run several actions at the same time, each in a child."""
    return [_ending(*child) for child in [_begin(action) for action in actions]]


def play_within(outer: Action, at: int, inner: Action) -> tuple[Ended, Ended]:
    """Run an action that is asleep before its step `at`, while another is done from end to end."""
    asleep = _asleep(outer, at)
    done = play(inner)
    os.kill(asleep[0], signal.SIGCONT)
    return _ending(*asleep), done


def play_crossed(one: Action, at: int, other: Action, other_at: int) -> tuple[Ended, Ended]:
    """Run two actions by turns: the first falls asleep, then the other; the first ends first."""
    first = _asleep(one, at)
    second = _asleep(other, other_at)
    os.kill(first[0], signal.SIGCONT)
    # It may wait for what the other holds.
    select.select([first[1]], [], [], LONGEST_WAIT_SECONDS)
    os.kill(second[0], signal.SIGCONT)
    return _ending(*first), _ending(*second)


def _asleep(action: Action, at: int) -> tuple[int, int]:
    """Begin an action, and wait until it is asleep, has ended, or waits for something itself."""
    child = _begin(action, at, "asleep")
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        if os.waitid(os.P_PID, child[0], os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG):
            break
        time.sleep(0.05)
    return child


def _begin(action: Action, at: int | None = None, what: str = "client") -> tuple[int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_the_child(action, at, what, writer)
    os.close(writer)
    return child, reader


def _ending(child: int, reader: int) -> Ended:
    with os.fdopen(reader, "rb") as said:
        # What hangs is killed; if it was a good night, that is a problem.
        if not select.select([said], [], [], LONGEST_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
        text = said.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) or not text:
        return Ended(was_killed=True)
    return pickle.loads(text)


def _be_the_child(action: Action, at: int | None, what: str, writer: int) -> None:
    steps, lock = count(), threading.Lock()

    def step() -> None:
        with lock:
            number = next(steps)
        if number == at:
            _end(what)

    try:
        sys.stdout = StringIO()
        _before_every_step(step)
        try:
            failed = action() or ()
            ended = Ended(next(steps), failed_sources=failed)
        except BaseException as error:
            ended = Ended(next(steps), str(error)[:2000], type(error).__name__)
        with suppress(OSError), os.fdopen(writer, "wb") as report:
            report.write(pickle.dumps(ended))
    finally:
        os._exit(0)


def _end(what: str) -> None:
    if what == "client":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "asleep":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "backends":
        from ingestion.settings import read_settings

        with connect(read_settings(), database="postgres", autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = 'warehouse' and backend_type = 'client backend'"
                " and pid != pg_backend_pid()"
            )
    else:
        embedded.stop("immediate")
        from ingestion.settings import read_settings

        embedded.start(read_settings())


def _before_every_step(step: Callable[[], None]) -> None:
    for owner, name in (
        (psycopg.Connection, "execute"),
        (psycopg.Connection, "commit"),
        (SQLConnectionManager, "add_query"),
        (SQLConnectionManager, "add_commit_query"),
    ):
        _wrap(owner, name, step)


def _wrap(owner: type, name: str, step: Callable[[], None]) -> None:
    done = getattr(owner, name)

    def stepped(*arguments: Any, **named: Any) -> Any:
        step()
        return done(*arguments, **named)

    setattr(owner, name, stepped)
