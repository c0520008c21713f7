"""dbt as people start it from a shell, in this process: without what the pipeline tells its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any

from dbt.cli.main import dbtRunner

from ingestion.lock import run_lock
from ingestion.run import Run
from ingestion.settings import Settings
from orchestration import dbt, pipeline
from orchestration.targets import target_of


def dbt_by_hand(
    settings: Settings, *command: str, on_event: Callable[[Any], None] | None = None
) -> tuple[bool, str]:
    """Run a dbt command; returns whether it succeeded, and what it said.

    `on_event` is told of everything that dbt does.
    """
    said = StringIO()
    arguments = [*dbt.dbt_arguments(settings, *command), "--no-write-json", "--log-level", "info"]
    with redirect_stdout(said), _started_by_hand():
        runner = dbtRunner(
            manifest=dbt._manifest(dbt._identity(settings)),
            callbacks=[on_event] if on_event else [],
        )
        outcome = runner.invoke(arguments)
    messages = [str(node.message) for node in getattr(outcome.result, "results", None) or []]
    return outcome.success, "\n".join([said.getvalue(), *messages, str(outcome.exception or "")])


@contextmanager
def _started_by_hand() -> Iterator[None]:
    token = os.environ.pop("LEDGERHOUSE_RUN", None)
    try:
        yield
    finally:
        if token:
            os.environ["LEDGERHOUSE_RUN"] = token


def land_and_die(settings: Settings, sources: Sequence[str]) -> None:
    """Land what a night would, and go no further: no snapshot, no build."""
    with run_lock(settings) as connection:
        job = pipeline.Job("nightly", connection, Run(settings, settings.clock()), list(sources))
        pipeline.prepare(job)
        pipeline.land(job)
    assert not job.night.failed_sources, [outcome.error for outcome in job.night.outcomes]


def sync_and_die(settings: Settings, sources: Sequence[str]) -> None:
    """Land and snapshot, and go no further."""
    assert not [outcome for outcome in pipeline.sync(settings, sources) if outcome.is_failed]


def forget_snapshots_and_die(settings: Settings, sources: Sequence[str]) -> None:
    """Land and snapshot, then begin to replay the snapshots, and get no further than empty ones."""
    sync_and_die(settings, sources)
    with run_lock(settings) as connection:
        target_of(settings).forget_snapshots(connection, settings)


def at(settings: Settings, now: Any) -> Settings:
    """Return the settings with another pipeline clock."""
    return replace(settings, now=now)
