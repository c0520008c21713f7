"""Leads and calls: their history built, and a night of new ones on it, landed by the loaders."""

import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from ingestion.books import make_books
from ingestion.registry import make_stream_tables
from ingestion.sandbox.boberdoo import KEY, Boberdoo
from ingestion.sandbox.invoca import NETWORK_ID, TOKEN, Invoca
from ingestion.sandbox.server import Sandbox
from ingestion.settings import Settings
from ingestion.sources.boberdoo_account import Boberdoo as BoberdooAccount
from ingestion.sources.dispositions_account import Dispositions
from ingestion.sources.invoca_account import Invoca as InvocaAccount
from ingestion.warehouse import connect
from orchestration import pipeline
from orchestration.dbt import run_dbt
from tests.bench import server
from tests.bench.server import console, show, show_ratio

HISTORY = Path(__file__).with_name("deals.sql").read_text()
# The history ends before the days that the loaders read again.
RUN_AT = datetime(2026, 1, 1, 0, 5)
NIGHT_RUN_AT = RUN_AT + timedelta(days=7)
LEADS, CALLS, DISPOSITIONS = 20_000, 5_000, 5_000
FIRST_LEAD, FIRST_NEW_LEAD = 1_000_000, 90_000_000
TABLES = ("boberdoo__leads", "boberdoo__transactions", "invoca__transactions")


def run(settings: Settings, leads_per_day: int, days: int) -> None:
    """Measure a night on `days` of history and on a tenth of it; prints as it goes."""
    settings = replace(settings, billing_db=None)
    year = _measure(settings, leads_per_day, days)
    tenth = _measure(settings, leads_per_day, days // 10)
    show_ratio("year / tenth, the night", year, tenth)


def _measure(settings: Settings, leads_per_day: int, days: int) -> float:
    leads = leads_per_day * days
    console.rule(f"leads and calls: a history of {leads:,} leads, {days} days")
    _land_history(settings, leads, leads_per_day, days)
    started = time.monotonic()
    run_dbt(settings, "build", "--exclude-resource-type", "test", "unit_test")
    show("models and snapshots, from empty", time.monotonic() - started, leads)
    pipeline.build(replace(settings, now=RUN_AT))
    with ExitStack() as stack:
        tonight = _vendors(settings, stack)
        process = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        steps = process.submit(_night, tonight).result()
    console.print(f"a night: {LEADS:,} leads, {CALLS:,} calls, {DISPOSITIONS:,} dispositions")
    for step, seconds in steps.items():
        show(step, seconds)
    show("in all", sum(steps.values()))
    return sum(steps.values())


def _land_history(settings: Settings, leads: int, leads_per_day: int, days: int) -> None:
    server.empty_databases(settings)
    with connect(settings, autocommit=True) as connection:
        make_books(connection)
        make_stream_tables(connection)
        connection.execute(
            HISTORY,
            {
                "loaded_at": RUN_AT,
                "first_lead": FIRST_LEAD,
                "leads": leads,
                "leads_per_day": leads_per_day,
                "begins": RUN_AT - timedelta(days=days + 2),
            },
        )
        for table in TABLES:
            connection.execute(f"analyze landing.{table}")
    pipeline.sync(replace(settings, now=RUN_AT), ["seeds"])


def _vendors(settings: Settings, stack: ExitStack) -> Settings:
    """Serve the night's facts for as long as the stack is open; returns the settings to read it."""
    portal, network = Boberdoo(), Invoca()
    folder = Path(stack.enter_context(TemporaryDirectory()))
    day = f"{NIGHT_RUN_AT - timedelta(days=1):%Y-%m-%d}"
    for number in range(LEADS):
        lead, partner, phone = str(FIRST_NEW_LEAD + number), str(201 + number % 8), 2_000_000_000
        clock = f"{day} {2 + number // 1000:02}:{number % 60:02}:00"
        portal.leads[lead] = {
            "lead_id": lead,
            "lead_type": "33",
            "lead_status": "Matched",
            "lead_date": clock,
            "lead_data": {"src": "source1", "sub_id": "c1", "phone": str(phone + number)},
            "matched_partners": [
                {
                    "partner_id": partner,
                    "partner_name": f"Partner {partner}",
                    "filter_set_id": "1501",
                    "buyer_lead_ref": f"R{lead}",
                }
            ],
        }
        portal.transactions.append(
            {
                "transaction_id": f"T{lead}",
                "transaction_type": "Purchase",
                "lead_id": lead,
                "lead_type": "33",
                "filter_set_id": "1501",
                "partner_id": partner,
                "partner_name": f"Partner {partner}",
                "amount": "48.00",
                "transaction_date": clock,
            }
        )
        if number < CALLS:
            network.rows.append(_call(number, phone + number))
    lines = [f"{FIRST_NEW_LEAD + 8 * number},Contacted,{day}" for number in range(DISPOSITIONS)]
    (folder / "201_night.csv").write_text("lead_id,status,status_date\n" + "\n".join(lines[:2500]))
    lines = [line.replace(str(FIRST_NEW_LEAD)[:2], "10", 1) for line in lines]
    (folder / "202_night.csv").write_text("lead_id,status,status_date\n" + "\n".join(lines[2500:]))
    sandbox = stack.enter_context(Sandbox({"boberdoo": portal, "invoca": network}))
    return replace(
        settings,
        now=NIGHT_RUN_AT,
        requests_per_minute=600_000,
        boberdoo=BoberdooAccount(
            sandbox.url("boberdoo"),
            canary_lead_id=str(FIRST_NEW_LEAD),
            lead_types=("33",),
            key=KEY,
            history_days=2,
            lead_days=2,
            transaction_days=2,
            status_days=2,
        ),
        invoca=InvocaAccount(sandbox.url("invoca"), NETWORK_ID, TOKEN),
        dispositions=Dispositions(folder, None),
    )


def _call(number: int, phone: int) -> dict[str, object]:
    started = NIGHT_RUN_AT - timedelta(hours=2)
    return {
        "transaction_id": f"N{number}-0",
        "complete_call_id": f"N{number}",
        "transaction_type": "Call",
        "advertiser_campaign_id": "501",
        "advertiser_id_from_network": "BRK-0201",
        "advertiser_payin_localized": "$40.00",
        "calling_phone_number": str(phone),
        "connect_duration": 120,
        "corrects_transaction_id": "",
        "start_time_utc": int(started.timestamp()) * 1000,
    }


def _night(settings: Settings) -> dict[str, float]:
    started = time.monotonic()
    run_dbt(settings, "ls", "--select", "revenue")
    steps = {"dbt start": time.monotonic() - started}
    night = pipeline.nightly(settings)
    if night.failed_sources:
        raise RuntimeError(f"{night.failed_sources} failed")
    return steps | {step: night.seconds[step] for step in ("landing", "build", "publish")}
