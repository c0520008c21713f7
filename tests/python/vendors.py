"""What the loader tests share: quick settings, one run of a source, and what it left in landing."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from ingestion.books import make_books
from ingestion.loads import Load
from ingestion.registry import make_stream_tables
from ingestion.run import Run
from ingestion.sandbox.server import Answer
from ingestion.settings import Settings
from ingestion.warehouse import connect
from tests.python import golden

NOW = datetime(2026, 7, 15, 0, 5)
HTML_PAGE = Answer(b"<html>We will be back soon</html>", headers={"Content-Type": "text/html"})
HALF_JSON = Answer(b'{"response": {"transactions": {"transaction": [{"transaction_id": "T1", "am')
STAYS_DOWN = [Answer(b"", status=500)] * 7


def quick(settings: Settings, **parts: Any) -> Settings:
    """Return settings of an empty landing with these parts, no rate limit, hardly any backoff."""
    with connect(settings) as connection:
        make_books(connection)
        make_stream_tables(connection)
    golden.empty(settings, "landing")
    return replace(settings, requests_per_minute=600_000, backoff_seconds=0.01, **parts)


def sync(source: ModuleType, settings: Settings, day: int = 0, *, full: bool = False) -> list[Load]:
    """Run one source `day` days after `NOW`; every load's record must add up (R4)."""
    loads = source.sync(Run(settings, NOW + timedelta(days=day), full=full))
    for load in loads:
        counts = load.counts
        landed = counts.created + counts.updated + counts.unchanged + counts.quarantined
        assert counts.received == landed
    return loads


def live(settings: Settings, table: str) -> dict[str, dict[str, Any]]:
    """Return the payloads of the keys that are there now, by key."""
    return {
        key: payload
        for key, payload, is_deleted in _fetch(
            settings,
            "select distinct on (source_key) source_key, payload, is_deleted"
            f" from landing.{table} order by source_key, loaded_at desc",
        )
        if not is_deleted
    }


def versions(settings: Settings, table: str) -> int:
    """Return how many versions were ever landed."""
    return _fetch(settings, f"select count(*) from landing.{table}")[0][0]


def cursors(settings: Settings) -> dict[str, str]:
    """Return each stream's cursor as its last good load left it."""
    return dict(
        _fetch(
            settings,
            "select distinct on (stream) stream, cursor_after from landing.load_runs"
            " where status in ('completed', 'partial') order by stream, load_id desc",
        )
    )


def last_error(settings: Settings) -> str:
    """Return the error of the last failed load."""
    return _fetch(
        settings,
        "select error from landing.load_runs where status = 'failed' order by load_id desc limit 1",
    )[0][0]


def quarantined(settings: Settings) -> list[str]:
    """Return the reasons of all quarantined records, in order."""
    rows = _fetch(settings, "select reason from landing.quarantine order by load_id, reason")
    return [reason for (reason,) in rows]


def _fetch(settings: Settings, statement: str) -> list[tuple]:
    with connect(settings) as connection:
        return connection.execute(statement).fetchall()
