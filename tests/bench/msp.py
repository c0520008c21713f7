"""MSP billing: a year of bills of many clients, built from one landing."""

import time
from dataclasses import replace
from datetime import date, datetime

from ingestion import settings as configured
from ingestion.sandbox.msp_shapes import (
    PLANS,
    TERMS,
    Client,
    Row,
    asset_at,
    codex_asset,
    company,
    contact_at,
    plans,
)
from ingestion.sandbox.msp_story import DEVICES, MspStores
from ingestion.sandbox.server import Sandbox
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import run_dbt
from tests.bench import server
from tests.bench.server import console, show

BEGINS, RUN_AT = date(2025, 1, 1), datetime(2026, 1, 10, 2)
ASSETS, USERS, MONTHS = 50, 30, 12


def run(settings: Settings, clients: int = 2_000) -> None:
    """Land and bill that many clients for twelve months; prints as it goes."""
    server.empty_databases(settings)
    console.rule(
        f"MSP: {clients:,} clients, {ASSETS} assets and {USERS} users each, {MONTHS} months"
    )
    stores = MspStores()
    stores.codex.plans = list(plans(0))
    stores.codex.companies = [_client(number) for number in range(clients)]
    with Sandbox(stores.vendors()) as sandbox:
        settings = replace(
            settings,
            now=RUN_AT,
            billing_db=None,
            requests_per_minute=600_000,
            codex=configured.Codex(sandbox.url("codex"), sandbox.url("core")),
        )
        pipeline.build(settings)
        rows = clients * (1 + ASSETS + USERS)
        started = time.monotonic()
        outcomes = pipeline.sync(settings, ["seeds", "codex"])
        show("landed, with snapshots", time.monotonic() - started, rows)
    if any(outcome.is_failed for outcome in outcomes):
        raise RuntimeError([outcome.error for outcome in outcomes])
    started = time.monotonic()
    run_dbt(settings, "run", "--select", "tag:msp", "int_deals__msp_charges", "fct_ledger_entries+")
    with connect(settings) as connection:
        lines, bills = connection.execute(
            "select (select count(*) from marts.fct_msp_charges),"
            " (select count(*) from marts.rpt_msp_bills)"
        ).fetchone()
    show(f"built: {bills:,} bills, {lines:,} lines", time.monotonic() - started, lines)


def _client(number: int) -> Row:
    client = Client(
        number, PLANS[number % 4][0], TERMS[number % 3], joins_on=-400, leaves_on=10_000
    )
    return {
        "company": company(client, BEGINS),
        "assets": [
            codex_asset(asset_at(client, place, DEVICES[place % len(DEVICES)], 500 * 10**9))
            for place in range(ASSETS)
        ],
        "contacts": [contact_at(client, place) for place in range(USERS)],
        "locations": [],
        "tickets": [],
    }
