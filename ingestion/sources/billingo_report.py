"""What a sync of Billingo did, company by company, as people read it (SPEC I1)."""

from collections.abc import Iterator, Sequence

from ingestion.loads import Load
from ingestion.run import Run
from ingestion.sources.billingo_companies import Company, check, companies

RULE = "-" * 40


def report_sync(run: Run, loads: Sequence[Load]) -> Iterator[str]:
    """Yield the lines of a sync: status and counts per company, then a summary.

    The same numbers are in `rpt_sync_log`.
    """
    asked = companies(run)
    for number, company in enumerate(asked, start=1):
        yield f"[{number}/{len(asked)}] {company.name} (ID: {company.company_id})"
        yield RULE
        yield from _company_lines(_loads_of(company, loads))
        yield ""
    yield "Summary"
    yield RULE
    yield from _summary_lines(asked, loads)


def report_check(run: Run) -> Iterator[tuple[bool, str]]:
    """Yield for every company whether its key is good, and a line that says so or names the cure.

    Nothing is landed.
    """
    for company, wrong in check(run):
        good = f"Company {company.company_id} ({company.name}): {company.key_variable} is accepted."
        yield wrong is None, wrong or good


def _company_lines(loads: Sequence[Load]) -> Iterator[str]:
    documents = [load.counts for load in loads if load.stream.name == "documents"]
    yield f"  Status: {_status(loads)}"
    yield f"  Processed: {sum(counts.received for counts in documents)} invoices"
    yield f"  Created: {sum(counts.created for counts in documents)}"
    yield f"  Updated: {sum(counts.updated for counts in documents)}"
    yield f"  Skipped: {sum(counts.unchanged for counts in documents)}"
    yield f"  Items: {sum(load.counts.received for load in loads if load.stream.name == 'items')}"
    yield f"  Duration: {_seconds(loads):.0f} seconds"
    failures = {load.error: None for load in loads if load.error}
    quarantined = sum(load.counts.quarantined for load in loads)
    yield f"  Errors: {quarantined + bool(failures)}"
    yield from (f"    {error}" for error in failures)
    if quarantined:
        yield f"    {quarantined} in landing.quarantine, tried again with every sync"


def _summary_lines(asked: Sequence[Company], loads: Sequence[Load]) -> Iterator[str]:
    statuses = [_status(_loads_of(company, loads)) for company in asked]
    documents = [load.counts for load in loads if load.stream.name == "documents"]
    yield f"  Total companies: {len(asked)}"
    yield f"  Successful: {statuses.count('completed')}"
    yield f"  Partial: {statuses.count('partial')}"
    yield f"  Failed: {statuses.count('failed')}"
    yield f"  Total invoices: {sum(counts.received for counts in documents)}"
    yield f"  Total duration: {_seconds(loads):.0f} seconds"


def _loads_of(company: Company, loads: Sequence[Load]) -> list[Load]:
    return [load for load in loads if load.tenant == company.company_id]


def _status(loads: Sequence[Load]) -> str:
    """Return the worst status of the loads; a company without any has failed before its first."""
    statuses = [load.status for load in loads] or ["failed"]
    return next(status for status in ("failed", "partial", "completed") if status in statuses)


def _seconds(loads: Sequence[Load]) -> float:
    """Return the time from the first load's start to the last one's end."""
    ends = [load.started + load.seconds for load in loads]
    return max(ends) - min(load.started for load in loads) if loads else 0.0
