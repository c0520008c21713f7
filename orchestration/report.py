"""What the commands print: tables for people, read from the marts."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingestion.registry import Outcome
from ingestion.run import Run
from ingestion.settings import Settings
from ingestion.sources import billingo_report
from ingestion.warehouse import connect
from orchestration import logs
from orchestration.closing import Verified
from orchestration.dbt import NodeResult
from orchestration.guard import Attempt
from orchestration.pipeline import Night

STATUS_STYLES = {
    "completed": "green",
    "partial": "yellow",
    "failed": "red",
    "killed": "red",
    "held": "red",
    "refused": "yellow",
    "skipped": "yellow",
}
# Parts of a connection that psql and its kin read from the environment.
LIBPQ = ("HOST", "PORT", "USER", "PASSWORD")
# Piped output has no width of its own; a table needs one.
WIDTH = None if sys.stdout.isatty() else 160
console = Console(highlight=False, emoji=False, width=WIDTH)
errors = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

REVENUE_BY_MONTH = """
select deal_type, to_char(revenue_date, 'YYYY-MM') as month, currency, sum(booked) as booked,
    sum(reversed) as reversed, sum(refunded) as refunded, sum(net) as net
from analytics.revenue
where revenue_date >= (
    select date_trunc('month', max(revenue_date)) - interval '3 months' from analytics.revenue
)
group by 1, 2, 3 order by 1, 2
"""
TOP_ACCOUNTS = """
select account_id, deal_type, currency, sum(net) as net from analytics.revenue
group by 1, 2, 3 order by net desc limit 5
"""
EXCEPTIONS = """
select deal_type, reason, count(*) as open, min(since) as oldest from marts.ledger_exceptions
group by 1, 2 order by 1, 2
"""
ENTRIES = """
select entry_kind, reason, recorded_at, occurred_at, account_id, lead_id, list_amount,
    discount_amount, amount, currency, price_version_id, terms_version_id
from marts.fct_ledger_entries where entry_key = %s order by recorded_at, amount
"""
VERSION_IDS = ("price_version_id", "terms_version_id")
# What the source said in the versions that priced a sale, named as the macro `version_id` does.
VERSIONS = """
with landed as (
    select 'product_price' as source_table, * from landing.billing_db__product_prices
    union all
    select 'mortgage_broker_subscription_plan', * from landing.billing_db__subscription_plans
    union all
    select 'deal_terms', * from landing.seeds__deal_terms
    union all
    select 'billing_plans', * from landing.codex__plans
    union all
    select 'msp_client_overrides', * from landing.seeds__msp_client_overrides
),

versions as (
    select *,
        concat_ws(':', source_table, source_key, to_char(loaded_at, 'YYYYMMDD"T"HH24MISS"Z"'))
            as version
    from landed
)

select version, cast(jsonb_strip_nulls(payload) as text) as source_said from versions
where version = any(%s) order by version
"""
# By which rules each entry was published: those of the first publication that knew it.
RULES = """
with entries as (
    select distinct recorded_at from marts.fct_ledger_entries where entry_key = %s
),

published as (
    select entries.recorded_at, min(publications.publication_id) as publication_id
    from entries
    inner join landing.publications as publications
        on entries.recorded_at <= publications.known_through and publications.schema_name = %s
    group by 1
)

select recorded_at, left(rule_hash, 12) as rules, left(git_commit, 12) as commit, is_dirty, reason
from published
inner join landing.publications using (publication_id)
inner join landing.rule_versions using (rule_version_id)
order by 1
"""
OPEN_EXCEPTION = "select reason, since from marts.ledger_exceptions where entry_key = %s"


def say(message: str) -> None:
    """Print a line."""
    console.print(message, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print a line that wants attention."""
    console.print(message, style="yellow", markup=False, soft_wrap=True)


def complain(message: str) -> None:
    """Print an error to standard error."""
    errors.print(f"error: {message}", style="red", markup=False)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show that something is being worked on, where there is a terminal."""
    with console.status(what):
        yield


def show_environment(settings: Settings) -> None:
    """Print the warehouse's connection for this project, for dbt and, as libpq reads it, for psql.

    A server's own password stays where it is set.
    """
    warehouse = settings.warehouse
    values = {
        "HOST": warehouse.host,
        "PORT": str(warehouse.port),
        "USER": warehouse.user,
        "NAME": warehouse.name,
    }
    if settings.warehouse_is_embedded:
        values |= {"PASSWORD": warehouse.secret(), "IS_EMBEDDED": "1"}
    else:
        say("# WAREHOUSE_PASSWORD: as in your environment")
    libpq = {f"PG{name}": value for name, value in values.items() if name in LIBPQ}
    libpq["PGDATABASE"] = warehouse.name
    values["SCHEMA"] = settings.published_schema
    ours = {f"WAREHOUSE_{name}": value for name, value in values.items()}
    for name, value in (ours | libpq).items():
        say(f"export {name}={shlex.quote(value)}")


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print one line a load: what was received, created, updated, deleted, quarantined."""
    table = _table("source", "stream", "tenant", "status")
    for name in ("received", "created", "updated", "unchanged", "deleted", "quarantined"):
        table.add_column(name, justify="right")
    for outcome in outcomes:
        for load in outcome.loads:
            counts = load.counts
            table.add_row(
                *(outcome.source, load.stream.name, load.tenant, load.status),
                *(f"{counts.received:,}", f"{counts.created:,}", f"{counts.updated:,}"),
                *(f"{counts.unchanged:,}", f"{counts.deleted:,}", f"{counts.quarantined:,}"),
            )
    console.print(table)
    for outcome in outcomes:
        if outcome.error:
            complain(f"{outcome.source}: {outcome.error} (details: {logs.PLACE})")
        elif outcome.missing:
            say(f"{outcome.source}: not configured (set {', '.join(outcome.missing)})")


def show_invoice_sync(run: Run, outcome: Outcome) -> None:
    """Print what a sync of Billingo did per company, and its summary (SPEC I1)."""
    if outcome.error or outcome.missing:
        show_outcomes([outcome])
        return
    for line in billingo_report.report_sync(run, outcome.loads):
        say(line)


def show_key_check(run: Run) -> bool:
    """Print for every company whether Billingo accepts its key; False if one is refused."""
    answers = list(billingo_report.report_check(run))
    for is_good, line in answers:
        say(line) if is_good else complain(line)
    return all(is_good for is_good, _ in answers)


def show_nodes(nodes: Sequence[NodeResult]) -> None:
    """Print how many models and tests there were."""
    tests = sum(node.kind == "test" for node in nodes)
    warned = sum(node.status == "warn" for node in nodes)
    say(f"{len(nodes) - tests} models built, {tests} tests passed, {warned} warnings")


def show_published(attempt: Attempt | None) -> None:
    """Print what a publication moved of months before the open one, and what is new."""
    if not attempt:
        return
    for total in attempt.totals:
        say(f"published: {total.words}")
    for currency in sorted({str(movement.currency) for movement in attempt.movements}):
        new = [movement for movement in attempt.movements if str(movement.currency) == currency]
        if count := sum(movement.new_keys for movement in new):
            amount = sum(movement.new_amount for movement in new)
            say(f"published: {count:,} new sales of {amount:,} {currency}")


def show_verified(found: Sequence[Verified]) -> None:
    """Print what each business unit's closed month comes to, then and now."""
    for one in found:
        say(f"{one.unit}: closed at {one.closed_at} UTC, {one.then.entries:,} entries")
        for currency in sorted({*one.then.by_currency, *one.now.by_currency}):
            then = one.then.by_currency.get(currency)
            now = one.now.by_currency.get(currency)
            say(
                f"  {currency}: {then.amount if then else 0:,} then,"
                f" {now.amount if now else 0:,} now"
            )
        if one.is_same:
            say(f"  same figures, same hash: {one.now.figures_hash}")
        else:
            complain(
                f"{one.unit}: {one.now.entries:,} entries now, hash {one.then.figures_hash} then,"
                f" {one.now.figures_hash} now. What was published was changed by hand."
            )


def show_night(day: date, night: Night) -> None:
    """Print one line for a night."""
    loads = [load for outcome in night.outcomes for load in outcome.loads]
    new = sum(load.counts.created + load.counts.updated + load.counts.deleted for load in loads)
    sources = sum(not outcome.missing for outcome in night.outcomes)
    seconds = sum(night.seconds.values())
    tests = sum(node.kind == "test" for node in night.nodes)
    say(
        f"  {day}: {new:,} new facts from {sources} sources, "
        f"{len(night.nodes) - tests} models, {tests} tests, {seconds:.1f} s"
    )
    for outcome in night.outcomes:
        if outcome.error:
            complain(f"{outcome.source}: {outcome.error}")


def show_revenue(settings: Settings) -> None:
    """Print a short summary: deal types by month, top accounts, exceptions."""
    show(settings, "Revenue by deal type and month", REVENUE_BY_MONTH)
    show(settings, "Top accounts", TOP_ACCOUNTS)
    show(settings, "Not billed, and why", EXCEPTIONS)


def show_next_steps(settings: Settings, dashboard: Path) -> None:
    """Print where to look next; the dashboard comes last, to be seen."""
    say("\nThe warehouse is up. Look next:")
    say("  .venv/bin/ledgerhouse status            sources, runs, exceptions")
    say("  .venv/bin/ledgerhouse explain <key>     every entry of a sale, and why")
    corrected = read_rows(
        settings,
        "select entry_key from marts.lead_sales_ledger where times_corrected > 0"
        " order by delivered_at desc limit 1",
    )[1]
    for (entry_key,) in corrected:
        say(f"                                          for one that was corrected: {entry_key}")
    say('  eval "$(.venv/bin/ledgerhouse env)"     then psql or dbt reach the warehouse')
    say("  .venv/bin/ledgerhouse docs              the docs site, as one page")
    say(
        "  .venv/bin/ledgerhouse serve             the schedules and their page, run now, live logs"
    )
    say("  .venv/bin/ledgerhouse down              stop the embedded Postgres")
    say(f"\nThe dashboard, to open in a browser: {dashboard}")


def show_entry_key(settings: Settings, entry_key: str) -> bool:
    """Print all entries of a key and its open exception; False if the key is unknown."""
    names, rows = read_rows(settings, ENTRIES, entry_key)
    exceptions = read_rows(settings, OPEN_EXCEPTION, entry_key)[1]
    if not rows and not exceptions:
        complain(f"No entry and no exception has the key {entry_key}.")
        return False
    if rows:
        _print(entry_key, names, rows)
        entries = [dict(zip(names, row, strict=True)) for row in rows]
        versions = {entry[name] for entry in entries for name in VERSION_IDS} - {None}
        if versions:
            show(settings, "Priced by", VERSIONS, list(versions))
        show(settings, "By the rules", RULES, entry_key, settings.published_schema)
        say(f"billed now: {sum(entry['amount'] for entry in entries)} {entries[0]['currency']}")
    for reason, since in exceptions:
        say(f"not billed: {reason}, since {since}")
    return True


def show(settings: Settings, title: str, query: str, *parameters: Any) -> None:
    """Print what a query says as a table, or that there is nothing."""
    names, rows = read_rows(settings, query, *parameters)
    if rows:
        _print(title, names, rows)
    else:
        say(f"\n{title}: none")


def _print(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a table: whole values, and no column that says nothing."""
    columns = {
        name: values
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
        if any(value is not None for value in values)
    }
    table = _table(title=title)
    for name, values in columns.items():
        value = next(value for value in values if value is not None)
        is_number = isinstance(value, int | float) or hasattr(value, "quantize")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(
            *(
                Text(_cell(value), style=STATUS_STYLES.get(value, "") if name == "status" else "")
                for name, value in zip(columns, row, strict=True)
            )
        )
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if hasattr(value, "quantize"):
        return f"{value:,}"
    return str(value)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(*columns, box=box.SIMPLE, title=title, title_justify="left", title_style="bold")
    return table


def read_rows(
    settings: Settings, query: str, *parameters: Any
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the column names and rows of a query."""
    with connect(settings) as connection:
        cursor = connection.execute(query, parameters)
        return [column.name for column in cursor.description or []], cursor.fetchall()
