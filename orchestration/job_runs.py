"""What is written down of jobs: their schedules and their runs (SPEC O2)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ingestion.settings import Settings, redact
from ingestion.warehouse import connect, error_text, one_row


def register_schedules(
    connection: psycopg.Connection, schedules: Sequence[tuple[str, str, int]]
) -> None:
    """Make the schedules (job, cron, allowed hours) known to SQL; a new one is late from now."""
    with connection.transaction():
        connection.execute(
            "delete from landing.schedules where job != all(%s)",
            ([job for job, _, _ in schedules],),
        )
        for schedule in schedules:
            connection.execute(
                "insert into landing.schedules values (%s, %s, %s, clock_timestamp())"
                " on conflict (job) do update"
                " set cron = excluded.cron, allowed_hours = excluded.allowed_hours",
                schedule,
            )


@dataclass
class JobRecord:
    """A job's run while it goes on; what is put in `shortfall` makes it `partial`."""

    shortfall: str | None = None


def record_refusal(settings: Settings, job: str, reason: str) -> None:
    """Write down a run that found the warehouse held by another (SPEC R8)."""
    with connect(settings) as connection:
        connection.execute(
            "insert into landing.job_runs (job, status, clock, started_at, finished_at, error)"
            " values (%s, 'refused', %s, clock_timestamp(), clock_timestamp(), %s)",
            (job, settings.clock(), reason),
        )


@contextmanager
def recorded_job(
    connection: psycopg.Connection, job: str, settings: Settings
) -> Iterator[JobRecord]:
    """Write the job's run, status and duration to `landing.job_runs` (SPEC O2)."""
    started = connection.execute(
        "insert into landing.job_runs (job, status, clock, started_at)"
        " values (%s, 'running', %s, clock_timestamp()) returning job_run_id",
        (job, settings.clock()),
    )
    (job_run_id,) = one_row(started)
    record, status, message = JobRecord(), "completed", None
    try:
        yield record
        if record.shortfall:
            status, message = "partial", redact(record.shortfall, settings)
    except BaseException as error:
        status, message = _status_of(error), redact(error_text(error), settings)
        raise
    finally:
        connection.execute(
            "update landing.job_runs set status = %s, finished_at = clock_timestamp(), error = %s"
            " where job_run_id = %s",
            (status, message, job_run_id),
        )


def _status_of(error: BaseException) -> str:
    """Return the status of a run that ended in an error; an error may bring a word of its own."""
    return getattr(error, "job_status", "failed")
