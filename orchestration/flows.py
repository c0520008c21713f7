"""The jobs as Prefect flows: run now, logs, history and schedules on its page (SPEC O1).

Each is the plain command of the same name, step by step; the run lock keeps them apart (SPEC R8).
"""

import os
from collections import Counter

# Nothing here reports home or waits for the internet; Prefect reads these when it is imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import flow, get_run_logger, serve, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait
from prefect.schedules import Cron

from ingestion.registry import Outcome
from ingestion.settings import read_settings
from orchestration import pipeline
from orchestration.dbt import NodeResult
from orchestration.pipeline import Job
from orchestration.schedules import SCHEDULES

RETRIES = 2
RETRY_SECONDS = 60


class SourceFailed(Exception):
    """A source could not be landed; what it had landed before stays."""


@task(
    task_run_name="sync {source}",
    retries=RETRIES,
    retry_delay_seconds=RETRY_SECONDS,
    cache_policy=NO_CACHE,
)
def sync(job: Job, source: str) -> Outcome:
    """Land one source, tried again by itself."""
    outcome = pipeline.land_source(job, source)
    if outcome.is_failed:
        raise SourceFailed(outcome.error or f"{source}: a load failed, see `ledgerhouse status`")
    if outcome.missing:
        get_run_logger().info("not configured: set %s", ", ".join(outcome.missing))
    for load in outcome.loads:
        get_run_logger().info("%s %s: %s", load.stream.name, load.status, load.counts)
    return outcome


@task(cache_policy=NO_CACHE)
def snapshot_build_and_test(job: Job) -> list[NodeResult]:
    """Run dbt; every node is logged, and all stand in a table on the run's page."""
    nodes = pipeline.build_new(job)
    for node in nodes:
        get_run_logger().info("%s %s: %s (%.2f s)", node.kind, node.name, node.status, node.seconds)
    create_table_artifact(
        [{"kind": n.kind, "name": n.name, "status": n.status, "seconds": n.seconds} for n in nodes],
        key="dbt-nodes",
        description=", ".join(f"{count} {kind}" for kind, count in kinds(nodes).items()),
    )
    return nodes


@task(cache_policy=NO_CACHE)
def publish(job: Job) -> None:
    """Let analysts read what has passed."""
    pipeline.publish_all(job)


@task(cache_policy=NO_CACHE)
def heartbeat(job: Job) -> None:
    """Tell the outside that the run succeeded."""
    pipeline.beat(job)


@flow(name="ledgerhouse", flow_run_name="{name}")
def run(name: str = "nightly") -> list[NodeResult]:
    """Sync the job's sources side by side, snapshot, build, test, publish, and post the heartbeat.

    Fails when a source failed, after what could be landed is published.
    """
    with pipeline.open_job(read_settings(), name) as job:
        synced = [sync.submit(job, source) for source in job.sources]
        wait(synced)
        for source, future in zip(job.sources, synced, strict=True):
            outcome = future.result(raise_on_failure=False)
            if not isinstance(outcome, Outcome):
                outcome = Outcome(source, error=str(outcome))
            job.night.outcomes.append(outcome)
        nodes = snapshot_build_and_test(job)
        publish(job)
        heartbeat(job)
    if job.night.failed_sources:
        raise SourceFailed(", ".join(job.night.failed_sources))
    return nodes


def kinds(nodes: list[NodeResult]) -> Counter[str]:
    """Count the nodes by kind."""
    return Counter(node.kind for node in nodes)


def serve_schedules() -> None:
    """Serve every schedule until stopped, one run at a time."""
    serve(
        *(
            run.to_deployment(
                name=plan.job,
                description=plan.what,
                parameters={"name": plan.job},
                schedules=[Cron(plan.cron, timezone="UTC")],
            )
            for plan in SCHEDULES.values()
        ),
        limit=1,
    )
