"""The whole project on Redshift's stand-in beside Postgres: the same nights give the same rows."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from ingestion import registry
from ingestion.run import Run
from ingestion.sandbox import business
from ingestion.settings import Settings
from ingestion.warehouse import connect, run_lock
from orchestration import pipeline
from orchestration.dbt import DbtError, read_manifest, run_dbt
from tests.redshift.comparison import columns_of, differences, row_counts
from tests.redshift.rules import violations

FIRST_NIGHT = datetime(2026, 3, 10).date()
NIGHTS = 2
SOURCES = list(registry.SOURCES)
NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
SESSION = "select set_config('search_path', 'public, redshift, pg_catalog', false)"
LEFT_OUT: dict[str, frozenset[str]] = {}
PLANTED = {
    "distinct on": "select distinct on (stream) stream from {{ source('books', 'load_runs') }}",
    "unsized numeric": "select cast('1.5' as numeric) as price",
    "unframed window": (
        "select sum(received) over (order by load_id) from {{ source('books', 'load_runs') }}"
    ),
}


@pytest.fixture
def small_business(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(business, "HISTORY_DAYS", 70)
    monkeypatch.setattr(business, "LEADS", 250)
    environment = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(environment)


def test_every_relation_is_the_same_on_redshift(
    settings: Settings, redshift: Settings, small_business: None, tmp_path: Path
) -> None:
    with business.open_business(settings, FIRST_NIGHT) as vendors:
        for number in range(NIGHTS):
            day = FIRST_NIGHT + timedelta(days=number)
            if number:
                vendors.play(day - timedelta(days=1))
            clock = datetime.combine(day, time(0, 5))
            play_night(replace(vendors.settings(), target="postgres", now=clock), redshift)
            assert_same(settings, redshift)
    assert_keys_are_columns(redshift)
    counts = filled(settings)
    assert not [name for name, count in counts.items() if not count]

    run_dbt(redshift, "build", "--full-refresh", *NO_TESTS, "--target-path", str(tmp_path))
    assert_same(settings, redshift)
    assert filled(settings) == counts

    assert len(run_dbt(redshift, "test")) > 150
    for rule, query in PLANTED.items():
        with pytest.raises(DbtError, match=rule):
            run_dbt(redshift, "show", "--inline", query)
    compiled = sorted((tmp_path / "compiled").rglob("*.sql"))
    assert len(compiled) > 100
    assert not [(path, found) for path in compiled if (found := violations(path.read_text()))]


def play_night(tonight: Settings, redshift: Settings) -> None:
    """Land once; build what is new on Postgres, then on Redshift."""
    there = replace(tonight, target=redshift.target, redshift=redshift.redshift)
    with run_lock(tonight) as connection:
        for settings in (tonight, there):
            job = pipeline.Job("nightly", connection, Run(settings, tonight.clock()), SOURCES)
            if settings is tonight:
                pipeline.prepare(job)
                pipeline.land(job)
                assert not job.night.failed_sources
            pipeline.build_new(job, *NO_TESTS)


def assert_same(settings: Settings, redshift: Settings) -> None:
    with connect(settings) as one, connect(redshift, database="redshift") as other:
        other.execute(SESSION)
        found = [str(difference) for difference in differences(one, other, LEFT_OUT)]
    assert not found, "\n".join(found)


def assert_keys_are_columns(redshift: Settings) -> None:
    """Distribution and sort keys name columns: the stand-in only reads over them."""
    with connect(redshift, database="redshift") as connection:
        columns = columns_of(connection)
    for node in read_manifest(redshift)["nodes"].values():
        if node["resource_type"] not in ("model", "snapshot"):
            continue
        keys = node["config"].get("dist", []), node["config"].get("sort", [])
        if node["config"]["materialized"] == "view":
            continue
        for key in [name for part in keys for name in ([part] if isinstance(part, str) else part)]:
            names = columns[f"{node['schema']}.{node['alias']}"]
            assert key in names or key in ("all", "even", "auto"), (node["name"], key)


def filled(settings: Settings) -> dict[str, int]:
    with connect(settings) as connection:
        return row_counts(connection)
