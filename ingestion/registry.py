"""Which sources there are. A new one is a module in `sources/` and a line in `SOURCES`."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import ModuleType

import psycopg

from ingestion import waiting
from ingestion.loads import Load, LoadFailed
from ingestion.run import Run
from ingestion.settings import redact
from ingestion.sources import (
    billing_db,
    billingo,
    boberdoo,
    codex,
    datto,
    dispositions,
    freshservice,
    invoca,
    seeds,
)
from ingestion.streams import make_table

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 4
INTERRUPT_SECONDS = 4.0  # for open loads to be closed as failed

SOURCES: dict[str, ModuleType] = {
    module.NAME: module
    for module in (
        seeds,
        billing_db,
        codex,
        freshservice,
        datto,
        billingo,
        boberdoo,
        invoca,
        dispositions,
    )
}


@dataclass(frozen=True)
class Outcome:
    """What came of one source: its loads, or why it failed, or that it is not configured."""

    source: str
    loads: Sequence[Load] = field(default_factory=list)
    error: str | None = None
    missing: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def is_failed(self) -> bool:
        """Tell whether the source failed, wholly or for one of its loads."""
        return self.error is not None or any(load.status == "failed" for load in self.loads)

    @property
    def cause(self) -> str:
        """Return why the source failed, in a line; blank where it did not."""
        failed = [load for load in self.loads if load.status == "failed"]
        causes = [self.error] if self.error else []
        causes += [f"{load.stream.name} of {load.tenant}: {load.error}" for load in failed]
        return "; ".join(cause.strip().splitlines()[0] for cause in causes)


def make_stream_tables(connection: psycopg.Connection) -> None:
    """Make the landed tables of all sources, so that models build before a source is configured."""
    for module in SOURCES.values():
        for stream in module.STREAMS:
            make_table(connection, stream)
    connection.commit()


def missing_settings(name: str, run: Run) -> tuple[str, ...]:
    """Return the variables that a source needs, if it is not configured."""
    module = SOURCES[name]
    return () if module.is_configured(run) else module.REQUIRES


def sync_source(name: str, run: Run) -> Outcome:
    """Land one source. Never raises for a failing source: the outcome says what happened."""
    module, started = SOURCES[name], time.monotonic()
    missing = missing_settings(name, run)
    if missing:
        return Outcome(name, missing=missing)
    try:
        loads = module.sync(run)
    except Exception as error:
        if not isinstance(error, LoadFailed):
            log.debug("source %s", name, exc_info=True)
        message = redact(str(error) or type(error).__name__, run.settings)
        log.error("%s failed: %s", name, message)
        return Outcome(name, error=message, seconds=time.monotonic() - started)
    return Outcome(name, loads, seconds=time.monotonic() - started)


def sync_sources(names: Sequence[str], run: Run) -> list[Outcome]:
    """Land several sources side by side; one that fails leaves the others done.

    An interrupt ends them all: what they had not committed is not landed.
    """
    waiting.resume()
    queue: SimpleQueue[str] = SimpleQueue()
    outcomes: dict[str, Outcome] = {}
    for name in names:
        queue.put(name)
    # A thread of its own does not inherit the context that the caller's log hangs on. None of them
    # keeps the process: it may end while a vendor or the warehouse is waited for.
    # An interrupted `Thread.join` takes a thread that still runs for one that has ended.
    ended = [Event() for _ in names[:SIDE_BY_SIDE]]
    workers = [
        Thread(target=copy_context().run, args=(_work, queue, outcomes, run, event), daemon=True)
        for event in ended
    ]
    try:
        for worker in workers:
            worker.start()
        for event in ended:
            event.wait()
    except BaseException:
        waiting.interrupt()
        for worker, event in zip(workers, ended, strict=True):
            if worker.is_alive():
                event.wait(timeout=INTERRUPT_SECONDS / len(workers))
        raise
    return [outcomes.get(name) or Outcome(name, error="it broke off") for name in names]


def _work(queue: "SimpleQueue[str]", outcomes: dict[str, Outcome], run: Run, ended: Event) -> None:
    """Land the sources that wait, one after another, until none is left."""
    try:
        with suppress(Empty, KeyboardInterrupt):
            while True:
                name = queue.get_nowait()
                outcomes[name] = sync_source(name, run)
    finally:
        ended.set()
