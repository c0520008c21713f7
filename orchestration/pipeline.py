"""The steps of a job, in order: land, snapshot and build and test, publish, heartbeat.

Every job holds the run lock (SPEC R8); a killed one is finished by the next.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime

import psycopg

from ingestion import books, erasure, lock, warehouse
from ingestion.personal import NotErased
from ingestion.registry import (
    SOURCES,
    Outcome,
    make_stream_tables,
    missing_settings,
    sync_source,
    sync_sources,
)
from ingestion.run import Run
from ingestion.settings import Settings
from orchestration import (
    approvals,
    checklist,
    closing,
    guard,
    job_runs,
    notices,
    restatement,
    snapshot_runs,
)
from orchestration.approvals import ApprovalError
from orchestration.closing import Period, Verified
from orchestration.dbt import DbtError, NodeResult, keep_manifest, read_marts, run_dbt
from orchestration.guard import Attempt, MovesTooMuchError
from orchestration.holds import PublicationHeldError, refuse_without_configuration
from orchestration.rules import LEDGER
from orchestration.schedules import SCHEDULES
from orchestration.seal import PastChangesError
from orchestration.targets import target_of

log = logging.getLogger(__name__)

# A night leaves out the tests whose cost grows with history (SPEC L9); `build` runs them.
NEW_ONLY = ("--exclude", "tag:whole_history")
# And none of the views that are unchanged, but all of their tests.
WITHOUT_VIEWS = ("--indirect-selection", "empty", "--exclude", "config.materialized:kept_view")


class JobSkipped(Exception):
    """None of a job's sources is configured: it did nothing, which is no success (SPEC O2)."""

    job_status = "skipped"


@dataclass
class Night:
    """What one run of a job did; `seconds` per step, `published` what its publication moved."""

    outcomes: list[Outcome] = field(default_factory=list)
    nodes: list[NodeResult] = field(default_factory=list)
    published: Attempt | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def failed_sources(self) -> list[str]:
        """Return the names of the sources that failed, wholly or in part."""
        return [outcome.source for outcome in self.outcomes if outcome.is_failed]

    @property
    def shortfall(self) -> str | None:
        """Return which sources failed, and why; None where none did."""
        failed = [outcome for outcome in self.outcomes if outcome.is_failed]
        return "\n".join(f"{outcome.source}: {outcome.cause}" for outcome in failed) or None


@dataclass
class Job:
    """A job that holds the warehouse: the connection of its lock, and what it has done so far."""

    name: str
    connection: psycopg.Connection
    run: Run
    sources: Sequence[str]
    night: Night = field(default_factory=Night)


def nightly(settings: Settings, *, full: bool = False) -> Night:
    """Run the job `nightly`: every configured source, and all that follows."""
    return run_job(settings, "nightly", full=full)


def run_job(settings: Settings, name: str, *, full: bool = False) -> Night:
    """Land a scheduled job's sources, snapshot, build, test, publish, and post the heartbeat.

    A failing source leaves the others done and is named in the result; a failing build or test
    raises, and leaves analysts yesterday's figures (SPEC O4).
    """
    with open_job(settings, name, full=full) as job:
        _timed(job, "landing", lambda: land(job))
        _timed(job, "build", lambda: build_new(job))
        _timed(job, "publish", lambda: publish_all(job))
        _timed(job, "heartbeat", lambda: beat(job))
    return job.night


@contextmanager
def open_job(settings: Settings, name: str, *, full: bool = False) -> Iterator[Job]:
    """Hold the warehouse for a scheduled job, write down how it went, and tell who must know.

    Raises RunLockError where another run holds it, JobSkipped where nothing is configured.
    """
    night, settings = Night(), settings.at_one_clock()
    try:
        with _recorded(settings, name) as (connection, record):
            run = Run(settings, settings.clock(), full=full)
            job = Job(name, connection, run, SCHEDULES[name].sources or list(SOURCES), night)
            _register_schedules(connection)
            _skip_unconfigured(job)
            prepare(job)
            yield job
            record.shortfall = night.shortfall
    except JobSkipped:
        raise
    except BaseException as error:
        if isinstance(error, lock.RunLockError):
            job_runs.record_refusal(settings, name, str(error))
        troubles = [warehouse.error_text(error), night.shortfall]
        _tell(settings, name, "\n".join(trouble for trouble in troubles if trouble))
        raise
    _tell(settings, name, night.shortfall)


def prepare(job: Job) -> None:
    """Make the tables, and finish what a killed run left."""
    _catch_up(job.connection, job.run.settings)


def land(job: Job) -> None:
    """Land the job's sources side by side; one that fails leaves the others done."""
    job.night.outcomes.extend(sync_sources(list(job.sources), job.run))


def land_source(job: Job, source: str) -> Outcome:
    """Land one source; the outcome says whether it failed."""
    return sync_source(source, job.run)


def build_new(job: Job, *options: str) -> list[NodeResult]:
    """Snapshot, build and test what is new in one dbt build; raises DbtError if a node fails."""
    target_of(job.run.settings).show_landed(job.connection, job.run.settings)
    job.night.nodes.extend(_build_changed(job, *(options or NEW_ONLY)))
    if snapshot_runs.pending_snapshots(job.connection):
        snapshot_runs.remember_snapshot(job.connection, job.run.loaded_at)
    return job.night.nodes


def publish_all(job: Job) -> Attempt:
    """Let analysts read what has passed its tests; raises PublicationHeldError (SPEC L19)."""
    job.night.published = _publish(job.connection, job.run.settings, job.name)
    return job.night.published


def beat(job: Job) -> None:
    """Post the heartbeat, unless a source failed."""
    if not job.night.failed_sources:
        notices.post_heartbeat(job.connection, job.run.settings, job.name)


def sync(
    settings: Settings,
    sources: Sequence[str] | None = None,
    *,
    full: bool = False,
    tenant: str | None = None,
) -> list[Outcome]:
    """Land the named sources (all of them by default) and snapshot what they brought."""
    settings = settings.at_one_clock()
    with _recorded(settings, "sync") as (connection, record):
        run = Run(settings, settings.clock(), full=full, tenant=tenant)
        _catch_up(connection, settings)
        night = Night(sync_sources(list(sources or SOURCES), run))
        _snapshot(connection, settings)
        record.shortfall = night.shortfall
    return night.outcomes


def build(settings: Settings, *, full_refresh: bool = False, select: str | None = None) -> Night:
    """Build all models, test their whole history, and publish; those selected are not published.

    Raises DbtError if a node fails, PublicationHeldError if too much would move; analysts then
    keep the figures they have (SPEC O4, L19).
    """
    night, settings = Night(), settings.at_one_clock()
    try:
        with _recorded(settings, "build") as (connection, _):
            _catch_up(connection, settings)
            night.nodes = _build_as_asked(connection, settings, full_refresh, select)
            if not select:
                night.published = _publish(connection, settings, "build")
    except PublicationHeldError as error:
        _tell(settings, "build", str(error))
        raise
    return night


def accept(settings: Settings, accepted_by: str, reason: str) -> Attempt:
    """Publish what was held, as it was shown, and write down who let it through (SPEC L19).

    Raises GuardError where nothing is held, or where it is no longer what was shown.
    """
    settings = settings.at_one_clock()
    with _recorded(settings, "accept") as (connection, _):
        with target_of(settings).querying(settings) as ask:
            guard.accept(
                *(connection, settings, read_marts(settings)),
                accepted_by=accepted_by,
                reason=reason,
                ask=ask,
            )
        return _publish(connection, settings, "accept")


def restate(
    settings: Settings, by: str, reason: str, approved_by: str | None = None
) -> Attempt | None:
    """Propose to book what changed rules move, and do it where it is approved (SPEC L18).

    Returns what was published; None where the proposal waits for a second person, who may be named
    here on a machine of one user only. Raises RestatementError where nothing would change.
    """
    settings = settings.at_one_clock()
    with _recorded(settings, "restate") as (connection, _):
        _catch_up(connection, settings)
        target = target_of(settings)
        if not target.is_built(connection, settings):
            _build_whole(connection, settings)
        try:
            target.check(connection, settings, read_marts(settings))
        except PastChangesError as error:
            log.warning("%s", error)
            proposal = restatement.propose(connection, settings, error.change, by, reason)
            if not approved_by:
                return None
            approvals.approve(connection, settings, "restatement_approvals", proposal, approved_by)
            return _publish_restated(connection, settings, "restate", error)
        raise restatement.RestatementError(
            "The rules give what is published: there is nothing to restate."
        )


def close(
    settings: Settings,
    action: str,
    month: date,
    units: Sequence[str],
    by: str,
    reason: str,
    approved_by: str | None = None,
    *,
    with_earlier: bool = False,
) -> tuple[Period, datetime | None]:
    """Propose to close or reopen a month, and do it where the second person is named (SPEC L20).

    Returns the proposal, and from when on it holds; None where it waits for a second person. Raises
    CloseRefusedError with the list of what stands against it.
    """
    settings = settings.at_one_clock()
    with _recorded(settings, action) as (connection, _):
        make_stream_tables(connection)
        if approved := closing.approved(connection, settings, action, month):
            return approved, closing.carry_out(connection, settings, approved)
        period = closing.propose(
            *(connection, settings, action, month, units, by, reason), with_earlier=with_earlier
        )
        if not approved_by:
            return period, None
        return period, _carry_out(connection, settings, period, approved_by)


def approve(settings: Settings, by: str, what: str | None = None) -> str:
    """Approve what is proposed, and return in words what comes of it (SPEC L18, L20).

    A month is closed or reopened at once where the database role is the warehouse's; another role
    only approves it. `what` chooses where both wait: `month` or `restatement`.
    """
    settings = settings.at_one_clock()
    with warehouse.connect(settings, autocommit=True) as connection:
        restated = None if what == "month" else restatement.waiting(connection, settings)
        period = None if what == "restatement" else closing.waiting(connection, settings)
        if restated and period:
            raise ApprovalError(
                f"Two proposals wait: a restatement, and to {period.words}. Say which:"
                " --what restatement, or --what month."
            )
        if restated:
            approvals.approve(connection, settings, "restatement_approvals", restated, by)
            return (
                f"{by} approves the restatement that {restated.proposed_by} proposed: the next run"
                " that publishes books it (`ledgerhouse build`)."
            )
        if not period:
            raise ApprovalError("Nothing is proposed: there is nothing to approve.")
        if not lock.may_hold(connection):
            approvals.approve(connection, settings, "period_approvals", period, by)
            return (
                f"{by} approves what {period.proposed_by} proposed: {period.words}. It is done by"
                f" `ledgerhouse {period.action} {period.month:%Y%m}`, given once more."
            )
    with _recorded(settings, "approve") as (connection, _):
        moment = _carry_out(connection, settings, period, by)
    return (
        f"{by} approves what {period.proposed_by} proposed: {period.words}, from {moment} UTC on."
    )


def _carry_out(
    connection: psycopg.Connection, settings: Settings, period: Period, approved_by: str
) -> datetime:
    """Close or reopen a month with the second person's approval; neither without the other."""
    with connection.transaction():
        approvals.approve(connection, settings, "period_approvals", period, approved_by)
        return closing.carry_out(connection, settings, period)


def verify(settings: Settings, month: date) -> list[Verified]:
    """Compute a closed month's figures again, beside those it was closed with (SPEC L20)."""
    with warehouse.connect(settings, autocommit=True) as connection:
        return closing.verify(connection, settings, month)


def acknowledge(
    settings: Settings, keys: Sequence[str], by: str, reason: str
) -> list[tuple[str, str]]:
    """Write down what may stand against a close; returns each with how it stands (SPEC L20).

    All of them, or none: raises ApprovalError for one that stands against no close.
    """
    with warehouse.connect(settings) as connection:
        return [
            (key, details)
            for key in keys
            for details in checklist.acknowledge(connection, settings, key, by, reason)
        ]


def erase(settings: Settings, phones: Sequence[str], emails: Sequence[str]) -> int:
    """Erase a person, and build and publish all that was made of what was landed of them.

    Returns the landed versions that were changed. Money is as before, to the cent and the day.
    """
    with _recorded(settings, "erase") as (connection, _):
        make_stream_tables(connection)
        streams = [stream for module in SOURCES.values() for stream in module.STREAMS]
        changed = erasure.erase(connection, settings, streams, phones, emails)
        target_of(settings).forget_snapshots(connection, settings)
        _snapshot(connection, settings)
        _build_whole(connection, settings)
        _publish(connection, settings, "erase")
    return changed


def not_erased() -> dict[str, list[str]]:
    """Return the streams that hold people whom erasing leaves there, by why."""
    found: dict[str, list[str]] = {}
    for module in SOURCES.values():
        for stream in module.STREAMS:
            if isinstance(stream.personal, NotErased):
                found.setdefault(stream.personal.why, []).append(f"{stream.source}.{stream.name}")
    return found


def check(settings: Settings) -> list[str]:
    """Send a notice for every missed job and killed run told to nobody yet; returns the jobs."""
    killed: list[str] = []
    # A run that goes on was not killed.
    with suppress(lock.RunLockError), lock.run_lock(settings, writes=False) as connection:
        killed = notices.tell_killed(connection, settings)
    with warehouse.connect(settings, autocommit=True) as connection:
        missed = notices.tell_missed(connection, settings)
    return sorted({*killed, *missed})


def replay_snapshots(settings: Settings) -> list[datetime]:
    """Empty the snapshots and fill them again, landing by landing; returns these."""
    with lock.run_lock(settings) as connection:
        make_stream_tables(connection)
        target_of(settings).forget_snapshots(connection, settings)
        return _snapshot(connection, settings)


@contextmanager
def _recorded(
    settings: Settings, name: str
) -> Iterator[tuple[psycopg.Connection, job_runs.JobRecord]]:
    with lock.run_lock(settings) as connection:
        notices.tell_killed(connection, settings)
        with job_runs.recorded_job(connection, name, settings) as record:
            books.remember_salt(connection, settings)
            yield connection, record


def _register_schedules(connection: psycopg.Connection) -> None:
    job_runs.register_schedules(
        connection, [(plan.job, plan.cron, plan.allowed_hours) for plan in SCHEDULES.values()]
    )


def _skip_unconfigured(job: Job) -> None:
    """Raise JobSkipped if the job has nothing to land but the project's own files."""
    missing = {source: missing_settings(source, job.run) for source in job.sources}
    needing = [source for source in job.sources if SOURCES[source].REQUIRES]
    if all(missing[source] for source in needing):
        lines = [f"  {source}: set {', '.join(missing[source])}" for source in needing]
        raise JobSkipped(
            f"{job.name} was skipped: none of its sources is configured.\n" + "\n".join(lines)
        )


def _tell(settings: Settings, name: str, trouble: str | None) -> None:
    with warehouse.connect(settings, autocommit=True) as connection:
        if trouble:
            notices.tell_failure(connection, settings, name, trouble)
        else:
            notices.tell_recovery(connection, settings, name)


def _catch_up(connection: psycopg.Connection, settings: Settings) -> None:
    """Make the tables of landing, and follow what a run killed before its snapshot had landed."""
    make_stream_tables(connection)
    _snapshot(connection, settings)


def _snapshot(connection: psycopg.Connection, settings: Settings) -> list[datetime]:
    """Follow every landing with its snapshots, one landing at a time (SPEC L12)."""
    target = target_of(settings)
    target.show_landed(connection, settings)
    pending = snapshot_runs.pending_snapshots(connection)
    for known_through, sources in pending.items():
        run_dbt(
            settings,
            *("build", "--exclude-resource-type", "test", "unit_test"),
            *("--select", *(f"+snap_{source}__*" for source in sources)),
            variables={"snapshot_through": known_through.isoformat(sep=" ")},
        )
        snapshot_runs.remember_snapshot(connection, known_through)
        log.info("snapshots hold what was known at %s", known_through)
    target.note_snapshots(connection)
    return list(pending)


def _publish(connection: psycopg.Connection, settings: Settings, job: str) -> Attempt:
    """Publish what is built; a restatement that is approved is carried out first (SPEC L18).

    Raises PastChangesError where what is published would change, MovesTooMuchError where the guard
    holds it.
    """
    try:
        return _publish_built(connection, settings, job)
    except PastChangesError as error:
        return _publish_restated(connection, settings, job, error)


def _publish_restated(
    connection: psycopg.Connection, settings: Settings, job: str, error: PastChangesError
) -> Attempt:
    """Carry a restatement out and publish it; raises the error where it is not approved."""
    if not restatement.carry_out(connection, settings, error.change):
        raise error
    _build_whole(connection, settings)
    return _publish_built(connection, settings, job)


def _publish_built(connection: psycopg.Connection, settings: Settings, job: str) -> Attempt:
    refuse_without_configuration(connection)
    marts = read_marts(settings)
    target = target_of(settings)
    sealing = target.check(connection, settings, marts)
    with target.querying(settings) as ask:
        attempt = guard.judge(connection, settings, marts, job, ask)
    if attempt.decision == "held":
        raise MovesTooMuchError(attempt)
    target.publish(connection, settings, marts, attempt.attempt_id, sealing)
    keep_manifest(settings)
    return attempt


def _build(
    settings: Settings, *options: str, variables: dict[str, str | bool] | None = None
) -> list[NodeResult]:
    """Snapshot the newest landing, build and test: dbt orders them by what rests on what."""
    nodes = run_dbt(
        settings, "build", "--exclude-resource-type", "unit_test", *options, variables=variables
    )
    log.info("%s nodes built and tested", len(nodes))
    return nodes


def _build_changed(job: Job, *options: str) -> list[NodeResult]:
    """Build what is new, without the views that nothing has changed; raises DbtError.

    Where a model has changed a column's type meanwhile, the views on it are gone with the old one:
    then every view is looked at.
    """
    settings, target = job.run.settings, target_of(job.run.settings)
    if not target.is_built(job.connection, settings):
        return _build_whole(job.connection, settings)
    if target.views_are_unchanged(job.connection, settings):
        try:
            nodes = _build(settings, *options, *WITHOUT_VIEWS)
        except DbtError:
            if target.views_are_unchanged(job.connection, settings):
                raise
        else:
            if target.views_are_unchanged(job.connection, settings):
                return nodes
    nodes = _build(settings, *options)
    target.remember_views(job.connection, settings)
    return nodes


def _build_whole(connection: psycopg.Connection, settings: Settings) -> list[NodeResult]:
    """Build everything again, from landing, snapshots and what is sealed, and test all of it.

    Where a test fails, the error says, too, what changed rules would move.
    """
    target = target_of(settings)
    try:
        nodes = _build(settings, "--full-refresh", variables={"whole_history": True})
    except DbtError as error:
        if any(node.name == LEDGER and node.status == "success" for node in error.nodes):
            try:
                target.check(connection, settings, read_marts(settings))
            except PastChangesError as change:
                raise DbtError(f"{error}\n{change}", error.nodes) from None
        raise
    target.remember_views(connection, settings)
    return nodes


def _build_as_asked(
    connection: psycopg.Connection, settings: Settings, full_refresh: bool, select: str | None
) -> list[NodeResult]:
    """Build and test all, or a selection; all again where asked to, or where rules have changed."""
    variables: dict[str, str | bool] = {"whole_history": True}
    if select:
        options = ["--full-refresh"] if full_refresh else []
        return _build(settings, "--select", select, *options, variables=variables)
    target = target_of(settings)
    if full_refresh or not target.is_built(connection, settings):
        return _build_whole(connection, settings)
    nodes = _build(settings, variables=variables)
    target.remember_views(connection, settings)
    return nodes


def _timed(job: Job, step: str, action: Callable[[], object]) -> None:
    started = time.monotonic()
    action()
    job.night.seconds[step] = time.monotonic() - started
