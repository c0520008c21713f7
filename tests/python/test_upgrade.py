"""A warehouse of an older ledgerhouse is upgraded, and goes on as if it had been new (SPEC R13)."""

import lzma
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ingestion import books
from ingestion.lock import run_lock
from ingestion.settings import Settings
from ingestion.warehouse import WarehouseError, connect
from orchestration import pipeline
from orchestration.__main__ import EXIT_OK, main
from orchestration.dbt import parse_again
from tests import databases
from tests.python import golden
from tests.python.deals import nights
from tests.python.test_deals import ENTRIES, WORKED, expected

# What the first ledgerhouse had made of all days of this scenario but the last, and published.
DUMP = Path(__file__).parent.parent / "upgrade/1_schema_raw.sql.xz"
SCENARIO = next(path for path in WORKED if path.name.startswith("13_"))
# The number by which it knew a run that holds the warehouse.
OLD_RUN_LOCK = 4_127_001


@pytest.fixture
def old(server: Settings) -> Iterator[Settings]:
    """Settings of a warehouse as the first ledgerhouse left it."""
    name = "upgraded"
    databases.make(server, name)
    with connect(server, database="postgres", autocommit=True) as connection:
        if not connection.execute("select 1 from pg_roles where rolname = 'analyst'").fetchone():
            connection.execute("create role analyst nologin")
    settings = replace(server, warehouse=replace(server.warehouse, name=name))
    with lzma.open(DUMP, "rt", encoding="utf-8") as dump:
        lines = dump.read().splitlines()
    with connect(settings) as connection:
        connection.execute("\n".join(line for line in lines if not line.startswith("\\")))
    yield settings
    parse_again()


def test_an_old_warehouse_goes_on_as_if_it_had_been_new(old: Settings, tmp_path: Path) -> None:
    published = golden.query(old, "select sum(amount) as amount from analytics.fct_ledger_entries")
    for number, tonight in enumerate(nights(SCENARIO, old, tmp_path), 1):
        if number == 4:
            pipeline.nightly(tonight)
    ledger = golden.by(expected(SCENARIO, "ledger"), "entry_id")
    assert golden.by(golden.query(old, ENTRIES), "entry_id") == ledger
    now = golden.query(old, "select sum(amount) as amount from analytics.fct_ledger_entries")
    assert now != published
    assert golden.query(old, "select to_regnamespace('raw') as raw") == [{"raw": ""}]
    assert golden.query(old, "select version from landing.books_versions") == [
        {"version": str(books.VERSION)}
    ]
    # Whatever was built before is as if it had been built by this ledgerhouse.
    golden.assert_the_same_at_once(old, golden.LEADS_AND_CALLS)


def test_who_only_reads_is_told_and_changes_nothing(
    old: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orchestration.__main__.read_settings", lambda: old)
    assert main(["status"]) != EXIT_OK
    said = capsys.readouterr().err
    assert f"version {books.UNNUMBERED}" in said and "ledgerhouse nightly" in said
    with connect(old) as connection:
        assert books.version_of(connection) == books.UNNUMBERED


def test_no_run_of_the_old_ledgerhouse_loses_its_tables(old: Settings) -> None:
    with psycopg.connect(**old.warehouse.parameters()) as running:
        running.execute("select pg_advisory_lock(%s)", (OLD_RUN_LOCK,))
        with pytest.raises(WarehouseError, match="holds it"), run_lock(old):
            pass
        assert running.execute("select to_regclass('raw.load_runs')").fetchone() != (None,)
    with run_lock(old) as connection:
        assert books.version_of(connection) == books.VERSION


def test_an_older_ledgerhouse_refuses_a_newer_warehouse(
    old: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_lock(old) as connection:
        connection.execute("insert into landing.books_versions values (99, now())")
    with pytest.raises(WarehouseError, match="newer ledgerhouse"), run_lock(old):
        pass
    monkeypatch.setattr("orchestration.__main__.read_settings", lambda: old)
    assert main(["status"]) != EXIT_OK
    assert "version 99" in capsys.readouterr().err
