"""The mortgage ledger: landing against COPY, the build against one statement, and a night."""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import psycopg
from psycopg import sql

from ingestion import embedded
from ingestion.sandbox import billing_db
from ingestion.sandbox.mortgage_market import LEAD_TYPES, Market
from ingestion.settings import Settings
from ingestion.sources.billing_db import TABLES, Table
from ingestion.warehouse import connect
from orchestration import checklist, closing, pipeline, seal
from orchestration.dbt import read_marts, run_dbt
from tests.bench import server
from tests.bench.server import console, show, show_ratio

# The first day after the history. It runs as if a week had passed since the history was landed, so
# that the nightly tests, which look at what was recorded lately, see the night and not the year.
NIGHT = date(2026, 1, 1)
RUN_AT = datetime(2026, 1, 1, 0, 5)
NIGHT_RUN_AT = RUN_AT + timedelta(days=7)
STATEMENT = Path(__file__).with_name("ledger.sql").read_text()
KINDS = ("snapshot", "model", "test")
FIGURES = "count(*), sum(quantity), sum(list_amount), sum(amount), min(entry_id), max(entry_id)"


def run(settings: Settings, leads_per_day: int, days: int) -> None:
    """Measure all on `days` of history, and the same night on a tenth of it; prints as it goes."""
    market = Market(NIGHT - timedelta(days=days), leads_per_day)
    console.print(f"Mortgage ledger: {leads_per_day:,} deliveries a day, {days} days")
    console.print(server.machine())
    year = _history(settings, market, days, kept=days)
    _measure_landing(settings, year)
    _measure_build(settings, year)
    night = _measure_night(settings, market, year)
    _measure_closing(settings)
    tenth = _history(settings, market, days, kept=days // 10)
    _land(settings)
    pipeline.build(replace(settings, now=RUN_AT))
    show_ratio("year / tenth", night, _measure_night(settings, market, tenth), goal=1.2)


def _history(settings: Settings, market: Market, days: int, kept: int) -> int:
    """Fill a new source with the last `kept` of `days` days; returns how many deliveries it has.

    The warehouse is new too, its models built without a row.
    """
    server.empty_databases(settings)
    pipeline.build(replace(settings, now=RUN_AT))
    with server.source(settings) as connection:
        billing_db.create(connection)
        rows = billing_db.generate(connection, market, days)["deliveries"]
        for lead_type in LEAD_TYPES:
            rows -= connection.execute(
                sql.SQL("delete from {} where delivered_at < %s").format(
                    sql.Identifier(lead_type.table)
                ),
                (market.midnight(days - kept),),
            ).rowcount
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
    return rows


def _measure_landing(settings: Settings, rows: int) -> None:
    console.rule(f"landing {rows:,} deliveries")
    loader = _land(settings)
    show("loader", loader, rows)
    with server.source(settings) as source, connect(settings) as warehouse:
        warehouse.execute("create schema bench")
        copy = sum(_copy(source, warehouse, table) for table in TABLES)
    show("COPY out and in of the same rows, no index", copy, rows)
    show_ratio("loader / COPY", loader, copy)


def _land(settings: Settings) -> float:
    """Land the whole source; returns the loader's seconds (without the snapshots)."""
    outcomes = pipeline.sync(replace(settings, now=RUN_AT), ["seeds", "billing_db"])
    failures = [outcome.error for outcome in outcomes if outcome.is_failed]
    if failures:
        raise RuntimeError(failures[0])
    return next(outcome.seconds for outcome in outcomes if outcome.source == "billing_db")


def _copy(source: psycopg.Connection, warehouse: psycopg.Connection, table: Table) -> float:
    """Copy one source table to a bare table of the landed shape; returns the seconds."""
    names = {
        "bare": sql.Identifier("bench", table.stream.name),
        "landing": table.stream.table,
        "table": sql.Identifier(table.name),
        "columns": sql.SQL(", ").join(map(sql.Identifier, table.columns)),
    }
    warehouse.execute(sql.SQL("create table {bare} (like {landing})").format(**names))
    warehouse.commit()
    query = sql.SQL(
        "copy (select 'main', id, row, md5(row::jsonb::text), false, '2026-01-01'::timestamp, 1"
        " from (select id, row_to_json(row) as row from (select {columns} from {table}) as row)"
        " as rows) to stdout"
    )
    started = time.monotonic()
    with (
        source.cursor().copy(query.format(**names)) as rows,
        warehouse.cursor().copy(sql.SQL("copy {bare} from stdin").format(**names)) as copy,
    ):
        for block in rows:
            copy.write(block)
    warehouse.commit()
    return time.monotonic() - started


def _measure_build(settings: Settings, rows: int) -> None:
    console.rule("full build")
    select = ("--select", "+fct_ledger_entries")
    _write_out(settings)
    models = _seconds(lambda: run_dbt(settings, "run", "--full-refresh", *select))
    show("dbt run of the ledger", models, rows)
    rest = _seconds(lambda: pipeline.build(replace(settings, now=RUN_AT)))
    show("all else, all tests of all history, and publishing", rest)
    statement = _state(settings)
    show("one statement, same indexes", statement, rows)
    show_ratio("dbt run of the ledger / statement", models, statement, goal=1.5)


def _write_out(settings: Settings) -> None:
    """Let the server write what it holds, so that nothing timed pays for what came before it."""
    with connect(embedded.administrator(settings), autocommit=True) as connection:
        connection.execute("checkpoint")


def _state(settings: Settings) -> float:
    """Make the ledger by one statement, index it alike and compare; returns the seconds."""
    with connect(settings, autocommit=True) as connection:
        indexes = connection.execute(
            "select indexdef from pg_indexes"
            " where schemaname = 'marts' and tablename = 'fct_ledger_entries'"
        ).fetchall()
        # A planner cannot know how few prices and plans there are; with it the statement is faster.
        connection.execute("set enable_mergejoin = off")
        _write_out(settings)
        started = time.monotonic()
        connection.execute(STATEMENT)
        for (definition,) in indexes:
            connection.execute(definition.replace("marts.fct_ledger_entries", "bench.ledger"))
        connection.execute("analyze bench.ledger")
        seconds = time.monotonic() - started
        built, stated = (
            connection.execute(f"select {FIGURES} from {table}").fetchone()
            for table in ("marts.fct_ledger_entries", "bench.ledger")
        )
        connection.execute("drop schema bench cascade")
    if built != stated:
        raise RuntimeError(f"The models give {built}, the statement {stated}.")
    console.print(f"both: {built[0]:,} entries, sum of amounts {built[3]:,}")
    return seconds


def _measure_night(settings: Settings, market: Market, rows: int) -> float:
    """Play the night and run the pipeline in a new process; returns its seconds."""
    with server.source(settings) as connection:
        played = billing_db.advance(
            connection, market, NIGHT, corrections=list(billing_db.DELIVERY_CORRECTIONS)
        )
    console.rule(f"a night of {played['deliveries']:,} new deliveries on {rows:,}")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        started = time.time()
        steps = process.submit(_run_night, settings, started).result()
    for step, seconds in steps.items():
        show(step, seconds)
    total = sum(steps.values())
    show("in all", total, goal=30)
    return total


def _measure_closing(settings: Settings) -> None:
    """Compare what is built with what is published once more, as a night does, and close December.

    Nobody repairs a simulated business, so all that stands against the close is acknowledged.
    """
    console.rule("the seal, and a close")
    settings = replace(settings, now=NIGHT_RUN_AT)
    december = date(2025, 12, 1)
    with connect(settings, autocommit=True) as connection:
        marts = read_marts(settings)
        show(
            "the seal's comparison of a night",
            _seconds(lambda: seal.check(connection, settings, marts)),
            goal=2,
        )
        found = checklist.look(connection, settings, december, ["leads"], with_earlier=True)
        for finding in found:
            for item in finding.items:
                connection.execute(
                    "insert into landing.acknowledgements (schema_name, open_item, details,"
                    " acknowledged_by, acknowledged_as, reason, acknowledged_at)"
                    " values (%s, %s, %s, 'bench', session_user, 'simulated', now())",
                    (settings.published_schema, item.key, item.details),
                )

    def close(month: date, *, with_earlier: bool = False) -> None:
        pipeline.close(
            *(settings, closing.CLOSE, month, ["leads"], "Ann", "measured", "Bob"),
            with_earlier=with_earlier,
        )

    close(date(2025, 11, 1), with_earlier=True)
    seconds = _seconds(lambda: close(december))
    (closed,) = pipeline.verify(settings, december)
    show("closing a month", seconds, closed.then.entries, goal=15)
    show("verifying it", _seconds(lambda: pipeline.verify(settings, december)))


def _run_night(settings: Settings, started: float) -> dict[str, float]:
    run_dbt(settings, "ls", "--select", "revenue")
    start = time.time() - started
    night = pipeline.nightly(replace(settings, now=NIGHT_RUN_AT))
    if night.failed_sources:
        raise RuntimeError(f"{night.failed_sources} failed")
    spent = {kind: sum(n.seconds for n in night.nodes if n.kind == kind) for kind in KINDS}
    shares = {kind: spent[kind] / sum(spent.values()) for kind in KINDS}
    return {
        "dbt start": start,
        "landing": night.seconds["landing"],
        # Nodes of all kinds run side by side: the step's time is shared out by what each took.
        "snapshot": night.seconds["build"] * shares["snapshot"],
        "build": night.seconds["build"] * shares["model"],
        "test": night.seconds["build"] * shares["test"],
        "publish": night.seconds["publish"],
    }


def _seconds(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started
