"""`ledgerhouse status`: what analysts read, what ran, what is late, and what waits for somebody."""

from ingestion.settings import Settings
from ingestion.warehouse import connect, is_held
from orchestration import report

PUBLISHED = """
select
    publications.known_through,
    date_trunc('second', publications.published_at) as published_at,
    job_runs.job,
    job_runs.status,
    split_part(job_runs.error, E'\n', 1) as error
from raw.publications as publications
left join raw.job_runs as job_runs
    on
        job_runs.started_at > publications.published_at
        and job_runs.status in ('failed', 'killed')
where publications.schema_name = %s
order by publications.publication_id desc, job_runs.job_run_id desc limit 1
"""
SOURCES = """
select source, stream, tenant, last_status as status, last_landed_at as known_at, quarantined,
    left(last_error, 80) as error
from marts.rpt_sources order by source, stream, tenant
"""
JOBS = """
select job, status, as_of, date_trunc('second', started_at) as started_at,
    duration_seconds as seconds, left(split_part(error, E'\n', 1), 100) as error
from marts.rpt_job_runs order by job_run_id desc limit 8
"""
RUNNING = """
select job, date_trunc('second', started_at) from raw.job_runs
where status = 'running' order by job_run_id
"""
LATE = """
select job, cron, date_trunc('second', last_success_at) as last_success_at,
    date_trunc('second', due_by) as due_by
from marts.rpt_missed_jobs order by job
"""
QUARANTINE = """
select source, stream, tenant, reason, count(*) as records, max(quarantined_at) as last
from raw.quarantine group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
# Reports whose every row waits for somebody; those that are built are counted.
WAITING = (
    *("rpt_parked_dispositions", "rpt_unmapped_dispositions"),
    *("rpt_msp_exceptions", "rpt_invoice_exceptions"),
)


def show(settings: Settings) -> None:
    """Print all of it; what is built and could not be published comes first."""
    is_built = report.read_rows(settings, "select to_regclass('marts.rpt_missed_jobs')")[1]
    if not is_built[0][0]:
        report.say("Nothing is built yet: `ledgerhouse nightly` or `ledgerhouse build`.")
        return
    _show_published(settings)
    report.show(settings, "Sources", SOURCES)
    report.show(settings, "Last jobs", JOBS)
    _show_killed(settings)
    report.show(settings, "Late jobs", LATE)
    report.show(settings, "Not billed, and why", report.EXCEPTIONS)
    report.show(settings, "Quarantined records", QUARANTINE)
    for name in WAITING:
        if report.read_rows(settings, "select to_regclass(%s)", f"marts.{name}")[1][0][0]:
            count = report.read_rows(settings, f"select count(*) from marts.{name}")[1][0][0]
            report.say(f"{name}: {count}")


def _show_killed(settings: Settings) -> None:
    """Say which runs seem to go on, but hold nothing: their process is gone."""
    with connect(settings) as connection:
        rows = [] if is_held(connection) else connection.execute(RUNNING).fetchall()
    for job, started_at in rows:
        report.warn(
            f"{job} was killed: it began {started_at} UTC. Its next run goes on from there."
        )


def _show_published(settings: Settings) -> None:
    rows = report.read_rows(settings, PUBLISHED, settings.published_schema)[1]
    if not rows:
        report.warn(f"Nothing is published to {settings.published_schema} yet.")
        return
    known_through, published_at, job, status, error = rows[0]
    report.say(
        f"Analysts read {settings.published_schema}: what was known at {known_through} UTC, "
        f"published {published_at} UTC."
    )
    if status:
        report.warn(f"It was left as it was: {job} {status} since: {error}")
