"""A warehouse of its own beside the simulated Codex, Freshservice and Datto."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import simplejson

from ingestion import settings as configured
from ingestion.books import make_books
from ingestion.loads import Load
from ingestion.registry import SOURCES, make_stream_tables
from ingestion.run import Run
from ingestion.sandbox import datto, freshservice
from ingestion.sandbox.msp_story import MspStores
from ingestion.sandbox.server import Sandbox
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration.dbt import run_dbt
from orchestration.pipeline import sync

MODELS = (
    "tag:msp,config.materialized:incremental",
    "int_deals__msp_charges",
    "fct_ledger_entries",
)


@dataclass
class Msp:
    """The vendors' stores, the sandbox that serves them, and the warehouse they are landed in."""

    settings: Settings
    connection: psycopg.Connection
    sandbox: Sandbox
    stores: MspStores

    def sync(self, source: str, day: str, *, full: bool = False) -> list[Load]:
        """Land one source as it is on that day at 00:05; returns its loads."""
        return SOURCES[source].sync(Run(self.settings, moment(day), full=full))

    def rows(self, query: str, *parameters: Any) -> list[tuple]:
        """Return the rows of a query on the warehouse."""
        return self.connection.execute(query, parameters or None).fetchall()


@contextmanager
def msp(settings: Settings) -> Iterator[Msp]:
    """Serve empty vendors to a warehouse whose settings these are; its landed tables are made."""
    stores = MspStores()
    with Sandbox(stores.vendors()) as sandbox, connect(settings, autocommit=True) as connection:
        make_books(connection)
        make_stream_tables(connection)
        yield Msp(_with_vendors(settings, sandbox), connection, sandbox, stores)


def moment(day: str) -> datetime:
    """Return the pipeline clock of that day's run."""
    return datetime.fromisoformat(f"{day}T00:05:00")


def serve(stores: MspStores, folder: Path) -> None:
    """Make the vendors hold what a golden set's folder says."""
    stores.codex.companies = _json(folder / "codex" / "companies_bulk.json")
    stores.codex.plans = _json(folder / "codex" / "billing_plans.json")["plans"]
    helpdesk = folder / "freshservice"
    if helpdesk.exists():
        stores.freshservice.departments = _json(helpdesk / "departments.json")["departments"]
        stores.freshservice.tickets = [
            ticket
            for name in ("tickets", "tickets_deleted", "tickets_spam")
            for ticket in _json(helpdesk / f"{name}.json")["tickets"]
        ]
        stores.freshservice.time_entries = {
            ticket: answer["time_entries"]
            for ticket, answer in _json(helpdesk / "time_entries.json").items()
        }


def night(vendors: Msp, day: str, seeds: Path, first_month: str) -> None:
    """Land what the vendors hold and the folder's seeds, and build, as of that day."""
    tonight = replace(vendors.settings, now=moment(day), seeds_directory=seeds)
    for outcome in sync(tonight, ("seeds", "codex", "freshservice")):
        assert not outcome.is_failed, outcome.error
    build(tonight, first_month)


def build(settings: Settings, first_month: str) -> None:
    """Build what holds MSP rows, and the ledger; the views are there."""
    run_dbt(
        settings,
        *("build", "--exclude-resource-type", "snapshot", "test", "unit_test"),
        *("--select", *MODELS),
        variables={"msp_first_month": first_month},
    )


def _json(path: Path) -> Any:
    return simplejson.loads(path.read_text(), use_decimal=True)


def _with_vendors(settings: Settings, sandbox: Sandbox) -> Settings:
    return replace(
        settings,
        requests_per_minute=600_000,
        backoff_seconds=0.001,
        codex=configured.Codex(sandbox.url("codex"), sandbox.url("core")),
        freshservice=configured.Freshservice(sandbox.url("freshservice"), freshservice.API_KEY),
        datto=configured.Datto(sandbox.url("datto"), datto.API_KEY, datto.API_SECRET),
    )
