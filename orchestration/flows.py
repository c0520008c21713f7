"""The jobs as Prefect flows: run now, live logs, history and schedules on its page (SPEC O1).

Each is the plain command of the same name, step by step; the run lock keeps them apart (SPEC R8).
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

# Prefect reads these when it is imported: it reports nothing home, and its page shows our logs.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "ingestion,orchestration")

from prefect import flow, get_run_logger, serve, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture, wait
from prefect.schedules import Cron
from prefect.states import Completed
from prefect.types.entrypoint import EntrypointType

from ingestion import embedded
from ingestion.registry import SOURCES, Outcome
from ingestion.settings import Settings, read_settings
from orchestration import pipeline
from orchestration.dbt import DbtError, NodeResult
from orchestration.guard import Attempt, MovesTooMuchError
from orchestration.logs import keep_secrets_out, log_to_file
from orchestration.pipeline import Job
from orchestration.schedules import SCHEDULES, UPKEEP
from orchestration.seal import Change, PastChangesError

RETRIES = 2
# A run imports this module; by its file, the folder's names would hide packages such as dbt.
BY_NAME = EntrypointType.MODULE_PATH

JobName = StrEnum("JobName", {name: name for name in SCHEDULES})  # type: ignore[misc]
SourceName = StrEnum("SourceName", {name: name for name in SOURCES})  # type: ignore[misc]


class SourceFailed(Exception):
    """A source could not be landed; what it had landed before stays."""


@task(task_run_name="sync {source}", retries=RETRIES, cache_policy=NO_CACHE)
def sync(job: Job, source: str) -> Outcome | State[Outcome]:
    """Land one source, tried again by itself; one that is not configured is skipped."""
    outcome = pipeline.land_source(job, source)
    if outcome.missing:
        message = f"{source}: not configured (set {', '.join(outcome.missing)})"
        get_run_logger().info("%s", message)
        return Completed(name="Skipped", message=message, data=outcome)
    if outcome.is_failed:
        raise SourceFailed(outcome.cause)
    return outcome


@task(task_run_name="snapshot, build and test", cache_policy=NO_CACHE)
def build(job: Job) -> list[NodeResult]:
    """Run dbt, which orders snapshots, models and tests; raises when a node fails.

    Every node is logged as it ends, and all stand in a table on the run's page.
    """
    try:
        nodes = pipeline.build_new(job)
    except DbtError as error:
        leave_table(error.nodes)
        raise
    leave_table(nodes)
    return nodes


@task(task_run_name="publish", cache_policy=NO_CACHE)
def publish(job: Job) -> None:
    """Let analysts read what has passed, unless it moves too much; the page shows what moves."""
    with refusals_on_the_page():
        leave_movements(pipeline.publish_all(job))


@task(task_run_name="heartbeat", cache_policy=NO_CACHE)
def heartbeat(job: Job) -> None:
    """Tell the outside that the run succeeded."""
    pipeline.beat(job)


def begin() -> Settings:
    """Begin a run: its log, its settings, and the embedded server, which may have died since."""
    log_to_file()
    settings = read_settings()
    keep_secrets_out(settings)
    if settings.warehouse_is_embedded:
        embedded.start(settings)
    return settings


def tell_of_the_killed(*_: object, **__: object) -> None:
    """Send the notice of a run that was killed."""
    pipeline.check(read_settings())


@flow(name="job", flow_run_name="{job}", on_crashed=[tell_of_the_killed])
def run_job(job: JobName) -> None:
    """Sync the job's sources side by side, snapshot, build, test, publish, and post the heartbeat.

    Fails when a source failed, after what could be landed is published.
    """
    settings = begin()
    sync_patiently = sync.with_options(retry_delay_seconds=settings.retry_seconds)
    with pipeline.open_job(settings, job) as opened:
        synced = [sync_patiently.submit(opened, source) for source in opened.sources]
        wait(synced)
        opened.night.outcomes.extend(map(outcome_of, opened.sources, synced))
        build(opened)
        publish(opened)
        heartbeat(opened)
    if opened.night.failed_sources:
        raise SourceFailed(opened.night.shortfall)


@flow(name="source", flow_run_name="{source}", on_crashed=[tell_of_the_killed])
def run_source(source: SourceName, full: bool = False) -> None:
    """Land one source now and snapshot it; `full` reads everything again."""
    (outcome,) = pipeline.sync(begin(), [source], full=full)
    if outcome.missing:
        raise SourceFailed(f"not configured: set {', '.join(outcome.missing)}")
    if outcome.is_failed:
        raise SourceFailed(outcome.cause)


@flow(name="build", on_crashed=[tell_of_the_killed])
def run_build() -> None:
    """Build, test the whole history, and publish."""
    try:
        with refusals_on_the_page():
            night = pipeline.build(begin())
    except DbtError as error:
        leave_table(error.nodes)
        raise
    leave_table(night.nodes)
    if night.published:
        leave_movements(night.published)


@flow(name="check")
def run_check() -> None:
    """Tell of jobs that are late, and of runs that were killed."""
    pipeline.check(begin())


def serve_schedules() -> None:
    """Serve every job by its schedule, and every source on request, until stopped.

    One run at a time: the next waits for the one before it.
    """
    jobs = [
        run_job.to_deployment(
            name=plan.job,
            description=plan.what,
            tags=["job"],
            parameters={"job": plan.job},
            schedules=[Cron(plan.cron, timezone="UTC")],
            entrypoint_type=BY_NAME,
        )
        for plan in SCHEDULES.values()
    ]
    upkeep = [
        upkept.to_deployment(
            name=upkept.name,
            description=upkept.description,
            tags=["upkeep"],
            schedules=[Cron(UPKEEP[upkept.name], timezone="UTC")],
            entrypoint_type=BY_NAME,
        )
        for upkept in (run_build, run_check)
    ]
    sources = [
        run_source.to_deployment(
            name=source,
            description=f"Land {source} now, and snapshot it.",
            tags=["source"],
            parameters={"source": source},
            entrypoint_type=BY_NAME,
        )
        for source in SOURCES
    ]
    serve(*jobs, *upkeep, *sources, limit=1)  # type: ignore[arg-type]


def outcome_of(source: str, synced: PrefectFuture[Any]) -> Outcome:
    """Return what came of a source whose task may have failed in the end."""
    outcome = synced.result(raise_on_failure=False)
    return outcome if isinstance(outcome, Outcome) else Outcome(source, error=str(outcome))


def leave_table(nodes: Sequence[NodeResult]) -> None:
    """Leave the nodes on the run's page, those that failed first."""
    passed = ("success", "pass", "no-op")
    rows = [
        {
            "status": node.status,
            "kind": node.kind,
            "name": node.name,
            "seconds": round(node.seconds, 2),
            "message": "" if node.status in passed else node.message,
        }
        for node in sorted(nodes, key=lambda node: node.status in passed)
    ]
    counts = Counter((node.kind, node.status) for node in nodes)
    create_table_artifact(
        rows,
        key="dbt-nodes",
        description=", ".join(f"{n} {kind}: {status}" for (kind, status), n in counts.items()),
    )


@contextmanager
def refusals_on_the_page() -> Iterator[None]:
    """Leave on the run's page what moves or changes too much to be published (SPEC L18, L19)."""
    try:
        yield
    except MovesTooMuchError as error:
        leave_movements(error.attempt)
        raise
    except PastChangesError as error:
        leave_changes(error.change)
        raise


def leave_movements(attempt: Attempt) -> None:
    """Leave what the publication moves on the run's page, by deal type and month (SPEC L19)."""
    create_table_artifact(
        attempt.table() or [{"moves": "nothing"}],
        key="publication-moves",
        description=f"{attempt.decision}: "
        + ("; ".join(total.words for total in attempt.totals) or "nothing of earlier months moves"),
    )


def leave_changes(change: Change) -> None:
    """Leave what other rules would change of the published past on the run's page (SPEC L18)."""
    create_table_artifact(
        change.table() or [{"moves": "no money"}],
        key="past-changes",
        description=f"refused: built by the rules {change.rules[:12]}",
    )
