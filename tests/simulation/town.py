"""A town of worlds: their facts at all vendors at once, and the settings of one warehouse for them.

The worlds share nothing but prices and the project's own seeds, so one build serves them all.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psycopg

from ingestion import settings as configured
from ingestion.sandbox import datto, freshservice, msp_shapes
from ingestion.sandbox.billingo import Billingo, Books
from ingestion.sandbox.boberdoo import Boberdoo
from ingestion.sandbox.invoca import NETWORK_ID, TOKEN, Invoca, started_at
from ingestion.sandbox.msp_story import MspStores
from ingestion.sandbox.server import Sandbox
from ingestion.settings import PROJECT, Settings
from tests.simulation.turns import live_a_day, open_world
from tests.simulation.world import PRODUCTS, Row, World

FIRST_NIGHT = datetime(2026, 7, 5, 0, 5)
SCHEMA = PROJECT / "tests" / "golden" / "lead_ledger" / "schema.sql"
TABLES = {
    "professional": "mortgage_broker_filter_to_mortgage_lead",
    "construction": "construction_loan_lead_filter_to_construction_loan_lead",
    "hard_money": "hard_money_lead_filter_to_hard_money_lead",
    "land": "land_lead_filter_to_land_lead",
}
CANARY = {"lead_id": "1", "lead_type": "0", "lead_date": "2020-01-01 00:00:00"}
CANARY |= {"lead_data": {}, "matched_partners": []}
# What a vendor may call otherwise from one day to the next: whose rows, the field, its new name.
RENAMES = (
    ("transactions", "amount", "price"),
    ("transactions", "partner_id", "buyer_id"),
    ("transactions", "transaction_type", "type"),
    ("calls", "advertiser_payin_localized", "advertiser_payin"),
    ("calls", "advertiser_campaign_id", "campaign_id"),
)
# Of fewer rows than this some may land as they are: they are bad records, and no other shape.
FEWEST_RENAMED = 25
COMPANY_KEYS = ("BILLINGO_KEY_KEKFENY", "BILLINGO_KEY_LENDING", "BILLINGO_KEY_IT")


@dataclass
class Town:
    """The worlds and the vendors that show them. `random` decides what happens to all of them."""

    worlds: list[World]
    random: Random
    sandbox: Sandbox
    settings: Settings
    folder: Path
    portal: Boberdoo
    network: Invoca
    stores: MspStores
    billingo: Billingo
    elsewhere: Sandbox
    now: datetime = FIRST_NIGHT
    prices: dict[int, tuple] = field(default_factory=dict)
    mistakes: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    renamed: tuple[str, str, str] | None = None

    def live(self, days: int) -> None:
        """Let days pass: each world goes on by itself, and prices change now and then."""
        self.now += timedelta(days=days)
        self.billingo.today = self.now.date()
        self.stores.freshservice.now = self.now
        for world in self.worlds:
            world.now = self.now
            live_a_day(world)
        self._change_prices()
        if self.random.random() < 0.25:
            # The project's own types of deals belong to another part of the business, or back.
            kind = self.random.choice(["cpa", "cpt", "drip", "plain_lead", "lead_call"])
            self.units[kind] = self.random.choice(["leads", "calls"])
        self.renamed = self.random.choice(RENAMES) if self.random.random() < 0.4 else None
        self.show()

    def tonight(self) -> Settings:
        """Return the settings of a night at this town's clock."""
        return replace(self.settings, now=self.now)

    def show(self) -> None:
        """Make every vendor, file and table say what the worlds hold now."""
        self._show_leads()
        self._show_files()
        self._show_seeds()
        self._show_msp()
        with psycopg.connect(**self.settings.billing_db.parameters()) as source:
            self._show_billing_db(source)

    def _change_prices(self) -> None:
        number = len(self.prices) + 1
        for product in PRODUCTS:
            if not self.prices or self.random.random() < 0.3:
                effective = self.now - timedelta(days=self.random.choice([0, 10, 400]))
                price = self.random.choice(["80.00", "45.5", "10.00499999", "99.999", "0"])
                self.prices[number] = (number, product, price, effective)
                number += 1
        if self.random.random() < 0.2:
            known = self.random.choice(list(self.prices))
            price = self.random.choice(["61.25", "-0.0000001", None])
            self.prices[known] = (*self.prices[known][:2], price, self.prices[known][3])

    def _show_leads(self) -> None:
        leads = [lead for world in self.worlds for lead in world.leads.values()]
        self.portal.leads = {lead["lead_id"]: lead for lead in [CANARY, *leads]}
        self.portal.transactions = [
            row for world in self.worlds for row in world.transactions.values()
        ]
        rows = [row for world in self.worlds for row in world.calls.values()]
        # Invoca lists its rows in the order it made them: a new one is never before an old one.
        known = {row["transaction_id"]: place for place, row in enumerate(self.network.rows)}
        rows.sort(key=lambda row: known.get(row["transaction_id"], len(known)))
        self.network.rows = rows
        if self.renamed:
            self._rename(*self.renamed)

    def _rename(self, whose: str, field_name: str, new_name: str) -> None:
        """Let a vendor call a field of all its rows otherwise, if it has many."""
        rows = self.network.rows if whose == "calls" else self.portal.transactions
        lately = f"{self.now - timedelta(days=6)}"
        if sum(_at(row) > lately for row in rows) >= FEWEST_RENAMED:
            rows[:] = [_renamed(row, field_name, new_name) for row in rows]

    def _show_files(self) -> None:
        for world in self.worlds:
            for name, rows in world.files.items():
                _write(self.folder / "drop" / name, rows)

    def _show_seeds(self) -> None:
        for path in (PROJECT / "seeds").glob("*.csv"):
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows, header = list(reader), list(reader.fieldnames or [])
            if path.stem.startswith("msp_") and path.stem != "msp_device_types":
                rows = []
            if path.stem == "deal_types":
                rows = [
                    row | {"business_unit": self.units.get(row["deal_type"], row["business_unit"])}
                    for row in rows
                ]
            own = [row for world in self.worlds for row in world.seeds.get(path.stem, [])]
            mistake = [self.mistakes[path.stem]] if path.stem in self.mistakes else []
            _write(self.folder / "seeds" / path.name, [*rows, *own, *mistake], header)

    def _show_msp(self) -> None:
        codex, helpdesk = self.stores.codex, self.stores.freshservice
        codex.companies = [world.company for world in self.worlds]
        codex.plans = [plan for world in self.worlds for plan in world.msp_plans]
        helpdesk.departments = [
            {
                "id": world.base,
                "name": world.account,
                "custom_fields": {"account_number": world.account},
            }
            for world in self.worlds
        ]
        helpdesk.tickets = [ticket for world in self.worlds for ticket in world.helpdesk]
        helpdesk.time_entries = {
            ticket: rows for world in self.worlds for ticket, rows in world.entries.items()
        }
        self._show_devices()

    def _show_devices(self) -> None:
        store = self.stores.datto
        clients = [
            (world, msp_shapes.Client(world.base, "", "", -400, 10_000))
            for world in self.worlds[::2]
        ]
        store.sites = [{"uid": msp_shapes.site(client)} for _, client in clients]
        store.variables = {
            msp_shapes.site(client): [
                {"id": world.base, "name": "AccountNumber", "value": world.account}
            ]
            for world, client in clients
        }
        store.devices = [
            msp_shapes.device(client, asset | {"bytes": asset["backup_data_bytes"]})
            for world, client in clients
            for asset in world.company["assets"]
        ]

    def _show_billing_db(self, source: psycopg.Connection) -> None:
        for table in (*TABLES.values(), "product_price", "mortgage_broker_subscription_plan"):
            source.execute(f"truncate {table}")
        for world in self.worlds:
            for (product, _), row in world.deliveries.items():
                _insert(source, TABLES[product], tuple(row.values()))
            for row in world.plans.values():
                _insert(source, "mortgage_broker_subscription_plan", tuple(row.values()))
        for row in self.prices.values():
            _insert(source, "product_price", row)


@contextmanager
def open_town(seeds: Sequence[int], settings: Settings, folder: Path) -> Iterator[Town]:
    """Open the worlds of these seeds at simulated vendors; the first seed decides for all."""
    books = {key: Books(key, "11223344") for key in COMPANY_KEYS}
    first = books[COMPANY_KEYS[0]]
    worlds = [World(seed, Random(seed), FIRST_NIGHT, first) for seed in seeds]
    portal, network, stores = Boberdoo(leads={"1": CANARY}), Invoca(), MspStores()
    billingo = Billingo({f"key-of-{key}": books[key] for key in COMPANY_KEYS})
    vendors = {"boberdoo": portal, "invoca": network, "billingo": billingo} | stores.vendors()
    for name in ("drop", "seeds"):
        (folder / name).mkdir()
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        source.execute("drop schema public cascade")
        source.execute("create schema public")
        source.execute(SCHEMA.read_text())
    with Sandbox(vendors) as sandbox, Sandbox({}) as elsewhere:
        town = Town(
            worlds,
            Random(f"town {seeds[0]}"),
            sandbox,
            _with_vendors(settings, sandbox, portal, folder),
            folder,
            portal,
            network,
            stores,
            billingo,
            elsewhere,
        )
        for world in worlds:
            open_world(world)
        yield town


def _with_vendors(settings: Settings, sandbox: Sandbox, portal: Boberdoo, folder: Path) -> Settings:
    """Return the settings that name the vendors; all else is what users get by default."""
    return replace(
        settings,
        seeds_directory=folder / "seeds",
        requests_per_minute=600_000,
        backoff_seconds=0.001,
        boberdoo=configured.Boberdoo(sandbox.url("boberdoo"), "1", ("0", "33"), portal.key),
        invoca=configured.Invoca(sandbox.url("invoca"), NETWORK_ID, TOKEN),
        dispositions=configured.Dispositions(folder / "drop", None),
        codex=configured.Codex(sandbox.url("codex"), sandbox.url("core")),
        freshservice=configured.Freshservice(sandbox.url("freshservice"), freshservice.API_KEY),
        datto=configured.Datto(sandbox.url("datto"), datto.API_KEY, datto.API_SECRET),
        billingo=configured.Billingo(
            sandbox.url("billingo"), {key: f"key-of-{key}" for key in COMPANY_KEYS}
        ),
    )


def _at(row: Row) -> str:
    """Return when a transaction was, or a call."""
    return row.get("transaction_date") or f"{started_at(row):%Y-%m-%d %H:%M:%S}"


def _renamed(row: Row, field_name: str, new_name: str) -> Row:
    """Return a row in which a field has another name."""
    return {new_name if name == field_name else name: value for name, value in row.items()}


def _insert(source: psycopg.Connection, table: str, row: tuple) -> None:
    source.execute(f"insert into {table} values ({', '.join(['%s'] * len(row))})", row)


def _write(path: Path, rows: list[dict], header: list[str] | None = None) -> None:
    """Write a CSV file with these columns, or all that the rows have, unless it is there."""
    names = header or list({name: None for row in rows for name in row})
    page = io.StringIO(newline="")
    writer = csv.DictWriter(page, names, restval="", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    if not path.exists() or path.read_text(encoding="utf-8") != page.getvalue():
        path.write_text(page.getvalue(), encoding="utf-8")
