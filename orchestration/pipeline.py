"""The steps of a night, in order: sync, snapshot, build and test, publish, heartbeat.

Every step holds the run lock (SPEC R8); a killed run is finished by the next one.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from ingestion import warehouse
from ingestion.registry import SOURCES, Outcome, make_stream_tables, sync_sources
from ingestion.run import Run
from ingestion.settings import Settings
from orchestration.dbt import NodeResult, read_marts, run_dbt
from orchestration.notices import post_heartbeat
from orchestration.publish import publish

log = logging.getLogger(__name__)

# A night leaves out the tests whose cost grows with history (SPEC L9); `build` runs them.
NEW_ONLY = ("--exclude", "tag:whole_history")


@dataclass
class Night:
    """What one nightly run did; `seconds` per step."""

    outcomes: list[Outcome] = field(default_factory=list)
    nodes: list[NodeResult] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def failed_sources(self) -> list[str]:
        """Return the names of the sources that failed, wholly or in part."""
        return [outcome.source for outcome in self.outcomes if outcome.is_failed]


def nightly(settings: Settings, *, full: bool = False) -> Night:
    """Sync every configured source, snapshot, build, test, publish, and post the heartbeat.

    A failing source leaves the others done and is named in the result; a failing build or test
    raises, and leaves analysts yesterday's figures (SPEC O4).
    """
    with (
        warehouse.run_lock(settings) as connection,
        warehouse.recorded_job(connection, "nightly", settings),
    ):
        run = Run(settings, settings.clock(), full=full)
        night = land_and_build(connection, run, build_options=NEW_ONLY)
        _timed(night, "publish", lambda: publish(connection, settings, read_marts(settings)))
        if not night.failed_sources:
            _timed(night, "heartbeat", lambda: post_heartbeat(connection, settings, "nightly"))
    return night


def land_and_build(
    connection: psycopg.Connection,
    run: Run,
    sources: Sequence[str] | None = None,
    build_options: Sequence[str] = (),
) -> Night:
    """Land the sources (all by default); snapshot, build and test in one dbt build.

    The caller holds the run lock.
    """
    night = Night()
    _timed(night, "landing", lambda: night.outcomes.extend(_land(connection, run, sources)))
    _timed(night, "build", lambda: night.nodes.extend(_build(run.settings, *build_options)))
    if warehouse.pending_snapshots(connection):
        warehouse.remember_snapshot(connection, run.loaded_at)
    return night


def sync(
    settings: Settings,
    sources: Sequence[str] | None = None,
    *,
    full: bool = False,
    tenant: str | None = None,
) -> list[Outcome]:
    """Land the named sources (all of them by default) and snapshot what they brought."""
    with warehouse.run_lock(settings) as connection:
        run = Run(settings, settings.clock(), full=full, tenant=tenant)
        outcomes = _land(connection, run, sources)
        _snapshot(connection, settings)
    return outcomes


def build(
    settings: Settings, *, full_refresh: bool = False, select: str | None = None
) -> list[NodeResult]:
    """Build all models, test their whole history, and publish; those selected are not published.

    Raises DbtError if a node fails; analysts then keep the figures they have (SPEC O4).
    """
    with (
        warehouse.run_lock(settings) as connection,
        warehouse.recorded_job(connection, "build", settings),
    ):
        make_stream_tables(connection)
        _snapshot(connection, settings)
        options = ["--full-refresh"] if full_refresh else []
        options += ["--select", select] if select else []
        nodes = _build(settings, *options, variables={"whole_history": True})
        if not select:
            publish(connection, settings, read_marts(settings))
    return nodes


def replay_snapshots(settings: Settings) -> list[datetime]:
    """Drop the snapshots and make them again from raw, landing by landing; returns the landings."""
    with warehouse.run_lock(settings) as connection:
        make_stream_tables(connection)
        warehouse.forget_snapshots(connection)
        return _snapshot(connection, settings)


def _land(
    connection: psycopg.Connection, run: Run, sources: Sequence[str] | None = None
) -> list[Outcome]:
    make_stream_tables(connection)
    # A run killed between landing and snapshot left a landing that only this snapshot can see.
    _snapshot(connection, run.settings)
    return sync_sources(list(sources or SOURCES), run)


def _snapshot(connection: psycopg.Connection, settings: Settings) -> list[datetime]:
    """Follow every landing with its snapshots, one landing at a time (SPEC L12)."""
    pending = warehouse.pending_snapshots(connection)
    for known_through, sources in pending.items():
        run_dbt(
            settings,
            *("build", "--exclude-resource-type", "test", "unit_test"),
            *("--select", *(f"+snap_{source}__*" for source in sources)),
            variables={"snapshot_through": known_through.isoformat(sep=" ")},
        )
        warehouse.remember_snapshot(connection, known_through)
        log.info("snapshots hold what was known at %s", known_through)
    return list(pending)


def _build(
    settings: Settings, *options: str, variables: dict[str, str | bool] | None = None
) -> list[NodeResult]:
    """Snapshot the newest landing, build and test: dbt orders them by what rests on what."""
    nodes = run_dbt(
        settings, "build", "--exclude-resource-type", "unit_test", *options, variables=variables
    )
    log.info("%s nodes built and tested", len(nodes))
    return nodes


def _timed(night: Night, step: str, action: Callable[[], object]) -> None:
    started = time.monotonic()
    action()
    night.seconds[step] = time.monotonic() - started
