"""`ledgerhouse status`: what analysts read, what is wrong, what ran, and what waits for somebody.

What is wrong comes first. Any relation may be missing: a full refresh that was interrupted has
dropped some and not come to make them again.
"""

from ingestion.lock import is_held
from ingestion.registry import SOURCES as CONFIGURABLE
from ingestion.registry import missing_settings
from ingestion.run import Run
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import completeness, report
from orchestration.rules import rules_in_force

PUBLISHED = """
select
    publications.known_through,
    date_trunc('second', publications.published_at) as published_at,
    job_runs.job,
    job_runs.status,
    job_runs.error
from landing.publications as publications
left join landing.job_runs as job_runs
    on
        job_runs.started_at > publications.published_at
        and job_runs.status in ('failed', 'held', 'killed')
where publications.schema_name = %s
order by publications.publication_id desc, job_runs.job_run_id desc limit 1
"""
PROPOSED = """
select proposed_by, reason, date_trunc('second', proposed_at) as proposed_at,
    left(rule_hash, 12) as rules, coalesce(approved_by, 'nobody yet') as approved_by
from landing.restatement_proposals
left join landing.restatement_approvals using (proposal_id)
where schema_name = %s and known_through = (
    select known_through from landing.publications where publications.schema_name = %s
    order by publication_id desc limit 1
)
order by proposal_id desc limit 1
"""
MONTH_PROPOSED = """
select action, to_char(period_month, 'YYYY-MM') as month, business_units, proposed_by, reason
from landing.period_proposals
where schema_name = %s and proposal_id > coalesce((
    select max(proposal_id) from landing.period_approvals
), 0)
order by proposal_id desc limit 1
"""
CLOSED = """
select business_unit, to_char(max(period_month), 'YYYY-MM') from landing.period_closes
where schema_name = %s and close_id not in (select close_id from landing.period_reopens)
group by 1 order by 1
"""
RUNNING = """
select job, date_trunc('second', started_at) from landing.job_runs
where status = 'running' order by job_run_id
"""
LATE = """
select job, cron, date_trunc('second', last_success_at) as last_success_at,
    date_trunc('second', due_by) as due_by
from marts.rpt_missed_jobs order by job
"""
HELD = """
select deal_type, to_char(occurred_month, 'YYYY-MM') as month, currency,
    published_amount as published, built_amount as built, moved_keys as sales, moved_amount as moved
from landing.publication_movements where is_held and attempt_id = (
    select max(attempt_id) from landing.publication_attempts
    where target = 'postgres' and schema_name = %s
) and attempt_id not in (select attempt_id from landing.publication_acceptances)
order by 1, 3, 2
"""
MOVED = """
select deal_type, currency, sum(moved_keys) as sales_moved, sum(moved_amount) as moved,
    sum(new_keys) as new_sales, sum(new_amount) as new
from landing.publication_movements where attempt_id = (
    select attempt_id from landing.publications where schema_name = %s
    order by publication_id desc limit 1
) and (moved_keys > 0 or new_keys > 0)
group by 1, 2 order by 1, 2
"""
SOURCES = """
select source, stream, tenant, last_status as status, last_landed_at as known_at, quarantined,
    left(split_part(last_error, E'\\n', 1), 160) as error
from marts.rpt_sources
where %s or last_status not in ('completed', 'running')
order by source, stream, tenant
"""
HEALTHY = """
select count(*), count(distinct source), min(last_landed_at) from marts.rpt_sources
where last_status in ('completed', 'running')
"""
LANDED = "select source, max(last_landed_at) from marts.rpt_sources group by 1 order by 1"
JOBS = """
select job, status, as_of, date_trunc('second', started_at) as started_at,
    duration_seconds as seconds, left(split_part(error, E'\\n', 1), 100) as error
from marts.rpt_job_runs order by job_run_id desc limit 8
"""
QUARANTINE = """
select source, stream, tenant, reason, count(*) as records, max(quarantined_at) as last
from landing.quarantine group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
# Reports whose every row waits for somebody; those that are built are counted.
WAITING = (
    *("rpt_parked_dispositions", "rpt_unmapped_dispositions"),
    *("rpt_msp_exceptions", "rpt_invoice_exceptions"),
)


def show(settings: Settings, *, verbose: bool = False) -> None:
    """Print all of it, what is wrong first; `verbose` lists the sources that are well, too."""
    if not _is_there(settings, "landing.job_runs"):
        report.say("Nothing is built yet: `ledgerhouse nightly` or `ledgerhouse build`.")
        return
    _show_published(settings)
    schema = settings.published_schema
    _show_rules(settings)
    _show_if_any(settings, "A restatement is proposed", PROPOSED, schema, schema)
    if _is_there(settings, "landing.period_closes"):
        _show_if_any(settings, "To approve", MONTH_PROPOSED, schema)
        closed = report.read_rows(settings, CLOSED, schema)[1]
        if closed:
            months = ", ".join(f"{unit} {month}" for unit, month in closed)
            report.say(f"Closed through: {months}")
    _show_killed(settings)
    if _is_there(settings, "landing.publication_attempts"):
        _show_if_any(settings, "Held: what publishing would move", HELD, schema)
    if _is_there(settings, "marts.rpt_missed_jobs"):
        _show_if_any(settings, "Late jobs", LATE)
    else:
        report.warn("marts.rpt_missed_jobs is not built: whether a job is late is not known.")
    _show_sources(settings, verbose)
    _show(settings, "Last jobs", JOBS, "marts.rpt_job_runs")
    if _is_there(settings, "landing.publication_attempts"):
        _show_if_any(settings, "What the last publication moved", MOVED, settings.published_schema)
    _show(settings, "Not billed, and why", report.EXCEPTIONS, "marts.ledger_exceptions")
    completeness.show(settings)
    report.show(settings, "Quarantined records", QUARANTINE)
    for name in WAITING:
        if _is_there(settings, f"marts.{name}"):
            count = report.read_rows(settings, f"select count(*) from marts.{name}")[1][0][0]
            report.say(f"{name}: {count}")


def _show(settings: Settings, title: str, query: str, relation: str) -> None:
    """Print what a query says of a relation, or that the relation is not there."""
    if _is_there(settings, relation):
        report.show(settings, title, query)
    else:
        report.warn(f"{title}: {relation} is not built. `ledgerhouse build` makes it again.")


def _show_if_any(settings: Settings, title: str, query: str, *parameters: object) -> None:
    """Print what a query says, if it says anything."""
    if report.read_rows(settings, query, *parameters)[1]:
        report.show(settings, title, query, *parameters)


def _is_there(settings: Settings, relation: str) -> bool:
    return bool(report.read_rows(settings, "select to_regclass(%s)", relation)[1][0][0])


def _show_sources(settings: Settings, verbose: bool) -> None:
    """Print what is wrong with sources, those that landed once and are not configured, a sum."""
    if not _is_there(settings, "marts.rpt_sources"):
        report.warn("Sources: marts.rpt_sources is not built. `ledgerhouse build` makes it again.")
        return
    _show_if_any(settings, "Sources", SOURCES, verbose)
    run = Run(settings, settings.clock())
    absent = [
        f"{source} ({missing[0]}; last {landed_at} UTC)"
        for source, landed_at in report.read_rows(settings, LANDED)[1]
        if source in CONFIGURABLE and (missing := missing_settings(source, run))
    ]
    if absent:
        report.warn(f"Landed before, and not configured here: {', '.join(absent)}.")
    streams, sources, landed_at = report.read_rows(settings, HEALTHY)[1][0]
    if streams:
        report.say(
            f"Sources: {streams} streams of {sources} sources are well, the oldest landed at"
            f" {landed_at} UTC (--verbose lists them)."
        )


def _show_rules(settings: Settings) -> None:
    with connect(settings) as connection:
        version = rules_in_force(connection, settings)
    if version:
        report.say(
            f"Rules in force: {version.words}, since {version.known_from} UTC"
            f" ({version.reason.replace('_', ' ')}; {version.author})."
        )


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
        report.warn(f"It was left as it was: {job} {status} since: {_first_line(error)}")
    if status == "held" and "ledgerhouse accept" in error:
        report.warn("If it is right: `ledgerhouse accept --by NAME --reason TEXT` publishes it.")


def _first_line(error: str | None) -> str:
    return (error or "").partition("\n")[0]
