"""Golden data sets: loaded into a source day by day, and read back for comparison."""

import csv
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from ingestion.lock import run_lock
from ingestion.run import Run
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import read_marts, run_dbt
from orchestration.publish import publish as publish_marts

GOLDEN = Path(__file__).parent.parent / "golden"
MORTGAGE_LEADS = ("int_deals__mortgage_lead",)
LEADS_AND_CALLS = ("int_deals__other", "int_deals__lead_call")
# A build that fails half-way has dropped views that it did not come to make again.
VIEWS: set[str] = set()


def unpacked(archive: str) -> Path:
    """Unpack `tests/golden/<archive>.tar.xz` once and return the folder of what was in it.

    The two big sets are packed; every other case is text, so that a changed figure is a line.
    """
    folder = Path(tempfile.gettempdir()) / f"ledgerhouse-golden-{archive.replace('/', '-')}"
    if not folder.exists():
        # Several test workers may be here at once: the first to have all of it wins.
        fresh = tempfile.mkdtemp(dir=folder.parent)
        with tarfile.open(GOLDEN / f"{archive}.tar.xz") as packed:
            packed.extractall(fresh, filter="data")
        try:
            Path(fresh).rename(folder)
        except OSError:
            shutil.rmtree(fresh)
    return folder / Path(archive).name


def days(scenario: Path) -> list[tuple[Path, datetime]]:
    """Return the scenario's day folders with each night's clock, in order."""
    return [
        (day, datetime.fromisoformat(day.name[4:] + "T00:05:00"))
        for day in sorted(scenario.glob("day_*"))
    ]


def load_day(source: psycopg.Connection, day: Path) -> None:
    """Bring the source's tables to how they are on that day (golden README, loader rule)."""
    for path in sorted(day.glob("*.csv")):
        table = path.name.split(".")[0]
        if path.name.endswith(".delta.csv"):
            _apply_delta(source, table, path)
            continue
        source.execute(f"truncate {table}")
        with source.cursor().copy(
            f"copy {table} from stdin with (format csv, header true)"
        ) as copy:
            copy.write(path.read_bytes())
    source.commit()


def _apply_delta(source: psycopg.Connection, table: str, path: Path) -> None:
    for row in read_csv(path):
        operation = row.pop("op")
        values = {name: value or None for name, value in row.items()}
        if operation in ("update", "delete"):
            source.execute(f"delete from {table} where id = %s", [values["id"]])
        if operation in ("insert", "update"):
            places = ", ".join(["%s"] * len(values))
            source.execute(
                f"insert into {table} ({', '.join(values)}) values ({places})",
                list(values.values()),
            )


def night(
    settings: Settings,
    now: datetime,
    sources: Sequence[str] = ("seeds", "billing_db"),
    deals: Sequence[str] = MORTGAGE_LEADS,
) -> None:
    """Run a night of these sources as of `now`, and build the ledger of these deals."""
    tonight = replace(settings, now=now)
    with run_lock(tonight) as connection:
        job = pipeline.Job("nightly", connection, Run(tonight, now), list(sources))
        pipeline.prepare(job)
        pipeline.land(job)
        pipeline.build_new(job, *_holding_rows(deals))
    night = job.night
    assert not night.failed_sources, [outcome.error for outcome in night.outcomes]


def build(settings: Settings, deals: Sequence[str] = MORTGAGE_LEADS) -> None:
    """Build the ledger of these deals."""
    run_dbt(settings, "build", *_holding_rows(deals))


def publish(settings: Settings) -> None:
    """Let analysts read what is built, tested or not."""
    with connect(settings) as connection:
        publish_marts(connection, settings, read_marts(settings))


def _holding_rows(deals: Sequence[str]) -> list[str]:
    """Return the options that build the ledger and what holds rows upstream of these deals.

    The views are there already, and tests are apart.
    """
    snapshots = [f"config.materialized:snapshot,+{deal}" for deal in deals]
    return [
        *("--exclude-resource-type", "test", "unit_test"),
        *("--select", *snapshots, *tables_upstream(*deals), "fct_ledger_entries"),
    ]


def tables_upstream(*models: str) -> list[str]:
    """Return what selects the tables upstream of these models, and themselves."""
    return [
        f"config.materialized:{kind},+{model}"
        for kind in ("incremental", "refilled_table", "table")
        for model in models
    ]


def empty(settings: Settings, *schemas: str) -> None:
    """Empty every table of the schemas; all views are there afterwards."""
    with connect(settings) as connection:
        tables = connection.execute(
            "select format('%%I.%%I', schemaname, tablename) from pg_tables"
            " where schemaname = any(%s)",
            (list(schemas),),
        ).fetchall()
        # To look for a row takes less than to empty a table that has none.
        filled = connection.execute(
            " union all ".join(f"(select '{table}' from {table} limit 1)" for (table,) in tables)
        ).fetchall()
        if filled:
            connection.execute(f"truncate {', '.join(table for (table,) in filled)}")
    make_lost_views(settings)


def make_lost_views(settings: Settings) -> None:
    """Make again the views that a full refresh or a failed build has dropped."""
    lost = VIEWS - _views(settings)
    if lost:
        run_dbt(settings, "run", "--select", *sorted(lost))


def remember_views(settings: Settings) -> None:
    """Take the views there are as those that `empty` makes again."""
    VIEWS.update(_views(settings))


def _views(settings: Settings) -> set[str]:
    with connect(settings) as connection:
        return {
            name
            for (name,) in connection.execute(
                "select viewname from pg_views"
                " where schemaname in ('staging', 'intermediate', 'marts')"
            )
        }


def build_from_empty(settings: Settings, deals: Sequence[str] = MORTGAGE_LEADS) -> None:
    """Forget everything but landing and snapshots, and build all landed days at once."""
    empty(settings, "intermediate", "marts")
    with connect(settings) as connection:
        connection.execute("delete from landing.build_watermarks where schema_name <> 'snapshots'")
    build(settings, deals)


def assert_the_same_at_once(settings: Settings, deals: Sequence[str] = MORTGAGE_LEADS) -> None:
    """Built from nothing but landing and snapshots, every entry is as it was day by day."""
    everything = "select * from marts.fct_ledger_entries"
    day_by_day = by(query(settings, everything), "entry_id")
    build_from_empty(settings, deals)
    assert by(query(settings, everything), "entry_id") == day_by_day


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return a CSV file's rows as text; an empty field is null."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def query(settings: Settings, statement: str, *parameters: Any) -> list[dict[str, str]]:
    """Return the rows of a query in the form of the golden files: text, null as empty."""
    with connect(settings) as connection:
        cursor = connection.execute(statement, parameters)
        names = [column.name for column in cursor.description or []]
        return [
            {name: _text(value) for name, value in zip(names, row, strict=True)} for row in cursor
        ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def by(rows: Iterable[dict[str, str]], *key: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Index rows by their key; two rows of one key are a failure."""
    indexed: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        identity = tuple(row[name] for name in key)
        assert identity not in indexed, f"{identity} twice"
        indexed[identity] = row
    return indexed
