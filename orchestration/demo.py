"""`ledgerhouse demo`: a year of a simulated business, and a few nights of its corrections."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from secrets import token_hex

import psycopg

from ingestion import embedded
from ingestion.books import forget_everything, make_books
from ingestion.environment import SettingsError
from ingestion.sandbox.business import HISTORY_DAYS, open_business
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline, report
from orchestration.dashboard import read_library, write_dashboard
from orchestration.dbt import parsing_meanwhile

log = logging.getLogger(__name__)

NIGHTS = 3


def play(settings: Settings) -> list[str]:
    """Play the demo into an empty warehouse and show its revenue; returns the failed sources.

    A demo played before is replaced. Raises SettingsError where the warehouse holds anything else.
    """
    with parsing_meanwhile(settings):
        _begin_anew(settings)
        failed = _play_nights(settings)
    report.show_revenue(settings)
    report.show_next_steps(settings, write_dashboard(settings))
    return failed


def _begin_anew(settings: Settings) -> None:
    """Leave an empty warehouse, marked as the demo's."""
    if settings.warehouse_is_embedded:
        embedded.start(settings)
    with connect(settings) as connection:
        if _holds_other_than_demo(connection):
            raise SettingsError(
                f"The warehouse {settings.warehouse.name} holds data that is not the demo's. "
                "Play the demo beside it: WAREHOUSE_NAME=demo ledgerhouse demo"
            )
        forget_everything(connection)
        _mark_as_demo(connection)


def _play_nights(settings: Settings) -> list[str]:
    today = datetime.now(UTC).date()
    nights = [today - timedelta(days=ago) for ago in reversed(range(NIGHTS))]
    failed: list[str] = []
    salt = settings.salt or token_hex(16)
    report.say(f"A year of a simulated business ({HISTORY_DAYS} days), then {NIGHTS} nights:")
    with open_business(settings, nights[0]) as business:
        read_library()  # bundled here, where there is time for it
        for number, day in enumerate(nights):
            if number:
                business.play(day - timedelta(days=1))
            clock = datetime.combine(day, time(0, 5))
            with report.progress(f"night of {day}"):
                tonight = replace(business.settings(), now=clock, salt=salt)
                night = pipeline.nightly(tonight)
            report.show_night(day, night)
            failed += night.failed_sources
    return failed


def _holds_other_than_demo(connection: psycopg.Connection) -> bool:
    """Tell whether anything is landed here that no demo has put here."""
    made = connection.execute("select to_regclass('landing.load_runs')").fetchone()
    return bool(made and made[0]) and not _is_demo(connection)


def _is_demo(connection: psycopg.Connection) -> bool:
    marked = connection.execute(
        "select obj_description(to_regnamespace('landing'), 'pg_namespace')"
    ).fetchone()
    return bool(marked and marked[0] == "demo")


def _mark_as_demo(connection: psycopg.Connection) -> None:
    """Mark the warehouse as the demo's, which the next demo may replace; commits."""
    make_books(connection)
    connection.execute("comment on schema landing is 'demo'")
    connection.commit()
