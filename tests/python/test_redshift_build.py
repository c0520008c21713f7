"""The whole project on Redshift's stand-in beside Postgres: the same nights give the same rows."""

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlfluff.core import FluffConfig, Linter

from ingestion import books, registry
from ingestion.lock import run_lock
from ingestion.redshift import replicate
from ingestion.run import Run
from ingestion.sandbox import business
from ingestion.settings import PROJECT, Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import DbtError, read_manifest, run_dbt
from tests.redshift import smoke
from tests.redshift.comparison import columns_of, differences, row_counts
from tests.redshift.rules import violations

FIRST_NIGHT = datetime(2026, 3, 10).date()
NIGHTS = 2
SOURCES = list(registry.SOURCES)
NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
SESSION = "select set_config('search_path', 'public, redshift, pg_catalog', false)"
FILLED = (
    *("fct_ledger_entries", "fct_invoices", "fct_msp_charges", "revenue", "lead_sales_ledger"),
    *("ledger_exceptions", "boberdoo", "invoca_raw", "rpt_msp_bills", "rpt_reconciliation"),
)
# Without a restatement and a close these have no rows; test_redshift_guard.py seals on Redshift.
EMPTY = (
    *(
        "int_ledger_restated",
        "int_ledger_standing",
        "int_ledger_transitions",
        "int_ledger_switches",
    ),
    *("rpt_period_closes", "rpt_period_close_totals", "dim_posting_months"),
    "rpt_closed_period_changes",
)
# One query a parsed project can be shown inline; test_redshift_gate.py plants the others.
PLANTED = "select distinct on (stream) stream from {{ source('books', 'load_runs') }}"


@pytest.fixture
def small_business(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(business, "HISTORY_DAYS", 70)
    monkeypatch.setattr(business, "LEADS", 250)
    environment = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def there(
    settings: Settings, redshift: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The settings of the same warehouse on an empty Redshift; dbt compiles into `tmp_path`."""
    with connect(redshift, database="redshift") as other:
        for schema in books.STATE:
            other.execute(f"drop schema if exists {schema} cascade")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path))
    return replace(settings, target=redshift.target, redshift=redshift.redshift)


@pytest.mark.all
def test_a_first_night_is_the_same_on_redshift(
    settings: Settings, there: Settings, small_business: None, tmp_path: Path
) -> None:
    play_nights(1, settings, there)
    with connect(settings) as connection:
        counts = row_counts(connection)
    assert counts["marts.fct_ledger_entries"] and counts["marts.revenue"]
    assert_compiled_sql_is_redshifts(tmp_path / "compiled", more_than=150)
    with pytest.raises(DbtError, match="distinct on"):
        run_dbt(there, "show", "--inline", PLANTED)


@pytest.mark.all
def test_every_relation_is_the_same_on_redshift(
    settings: Settings, there: Settings, small_business: None, tmp_path: Path
) -> None:
    play_nights(NIGHTS, settings, there)
    assert_there_is_something_to_compare(settings)

    # Snapshots replayed, everything built from empty with its data tests, and published.
    assert list(smoke.check(there)) == []
    assert_same(settings, there, but={"marts.rpt_publications", *of_the_last_build(settings)})
    assert_analysts_read_what_is_built(there)

    assert len(run_dbt(there, "test", "--select", "test_type:unit")) >= 20
    assert_compiled_sql_is_redshifts(tmp_path / "compiled", more_than=250)

    # Built from empty on Postgres, too, the lists of changed keys are those of everything.
    with run_lock(settings):
        run_dbt(settings, "build", "--full-refresh", *NO_TESTS)
    assert_same(settings, there, but={"marts.rpt_publications"})


def play_nights(number_of_nights: int, settings: Settings, there: Settings) -> None:
    """Play the first nights of the business on both; after each, both hold the same."""
    with business.open_business(settings, FIRST_NIGHT) as vendors:
        for number in range(number_of_nights):
            day = FIRST_NIGHT + timedelta(days=number)
            if number:
                vendors.play(day - timedelta(days=1))
            clock = datetime.combine(day, time(0, 5))
            play_night(replace(vendors.settings(), target="postgres", now=clock), there)
            assert_same(settings, there)
            assert_tables_suit_redshift(there)


def play_night(tonight: Settings, there: Settings) -> None:
    """Land once; build what is new on Postgres, then on Redshift."""
    with run_lock(tonight) as connection:
        for settings in (tonight, replace(there, now=tonight.now)):
            job = pipeline.Job("nightly", connection, Run(settings, tonight.clock()), SOURCES)
            if settings is tonight:
                pipeline.prepare(job)
                pipeline.land(job)
                assert not job.night.failed_sources
            pipeline.build_new(job, *NO_TESTS)


def of_the_last_build(settings: Settings) -> set[str]:
    """Return the lists of changed keys, and the views of them: they tell what a build had to do."""
    nodes = read_manifest(settings)["nodes"]
    lists = {key for key, node in nodes.items() if node["config"]["meta"].get("changes_of")}
    views = {
        key
        for key, node in nodes.items()
        if node["config"].get("materialized") == "kept_view"
        and lists & set(node["depends_on"]["nodes"])
    }
    assert lists and views
    return {f"{nodes[key]['schema']}.{nodes[key]['alias']}" for key in lists | views}


def assert_same(settings: Settings, there: Settings, but: Collection[str] = ()) -> None:
    """Names, columns, types and rows of all relations; those in `but` may have other rows."""
    with connect(settings) as one, connect(there, database="redshift") as other:
        other.execute(SESSION)
        found = [
            str(difference)
            for difference in differences(one, other)
            if difference.relation not in but or difference.columns
        ]
    assert not found, "\n".join(found)


def assert_there_is_something_to_compare(settings: Settings) -> None:
    """Rows that are not there cannot differ."""
    with connect(settings) as connection:
        counts = row_counts(connection)
    assert all(counts[f"marts.{name}"] for name in FILLED), counts
    counts = {name: count for name, count in counts.items() if not name.endswith(EMPTY)}
    assert sum(count > 0 for count in counts.values()) > 0.8 * len(counts), counts


def assert_analysts_read_what_is_built(there: Settings) -> None:
    """The stand-in's analysts read the marts, and no personal data (SPEC O4)."""
    with connect(there, database="redshift") as connection:
        connection.execute(SESSION)
        built = connection.execute("select count(*), sum(net) from marts.revenue").fetchone()
        connection.execute("set role analyst")
        read = connection.execute("select count(*), sum(net) from analytics.revenue").fetchone()
        assert read == built
        assert read[0] > 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from analytics.invoca_raw")


def assert_compiled_sql_is_redshifts(folder: Path, *, more_than: int) -> None:
    """No rule of Redshift is broken (tests/redshift/rules.py)."""
    files = compiled(folder)
    assert len(files) > more_than
    for path in files:
        assert not violations(path.read_text()), path


@pytest.mark.all
def test_sqlfluffs_grammar_of_redshift_reads_every_statement(
    there: Settings, tmp_path: Path
) -> None:
    with run_lock(there) as connection:
        replicate(connection, there)
    # Of the whole history: what is recorded lately is asked of a ledger that is built.
    run_dbt(there, "compile", variables={"whole_history": True})
    linter = Linter(FluffConfig(overrides={"dialect": "redshift", "templater": "raw"}))
    # Generic tests are of one form.
    files = [path for path in compiled(tmp_path / "compiled") if path.parent.suffix != ".yml"]
    sources = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "tests/ledger").glob("*.sql")]
    assert len(files) >= len(sources)
    for path in files:
        assert not unread(linter, path.read_text()), path


def compiled(folder: Path) -> list[Path]:
    """Return dbt's files of compiled SQL, but those of unit tests: several write to one file.

    What another test asked inline is in the manifest of this process, under a folder of its own.
    """
    return sorted(
        path
        for path in folder.rglob("*.sql")
        if path.is_file() and not {"unit", "from remote system.sql"} & set(path.parts)
    )


def unread(linter: Linter, sql: str) -> list[str]:
    """Return the parts of a statement that sqlfluff does not understand."""
    parsed = linter.parse_string(sql)
    return [str(error) for error in parsed.violations] + [
        part.raw
        for variant in parsed.parsed_variants
        if variant.tree
        for part in variant.tree.recursive_crawl("unparsable")
    ]


def assert_tables_suit_redshift(redshift: Settings) -> None:
    """Keys name columns and numbers have sizes: the stand-in does not look at either."""
    with connect(redshift, database="redshift") as connection:
        columns = columns_of(connection)
    for node in read_manifest(redshift)["nodes"].values():
        if node["resource_type"] not in ("model", "snapshot"):
            continue
        keys = node["config"].get("dist", []), node["config"].get("sort", [])
        if node["config"]["materialized"] == "kept_view":
            continue
        relation = columns[f"{node['schema']}.{node['alias']}"]
        assert "numeric" not in relation.values(), (node["name"], relation)
        for key in [name for part in keys for name in ([part] if isinstance(part, str) else part)]:
            assert key in relation or key in ("all", "even", "auto"), (node["name"], key)
