"""Vendors that rename, drop or rewrite a field, against the real loaders (SPEC R11)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ingestion.registry import SOURCES, Outcome, sync_sources
from ingestion.run import Run
from ingestion.sandbox.billingo import Billingo, Books
from ingestion.sandbox.billingo_documents import Line, invoice
from ingestion.sandbox.boberdoo import Boberdoo
from ingestion.sandbox.invoca import NETWORK_ID, TOKEN, Invoca
from ingestion.sandbox.server import Answer, Request, Sandbox, Vendor
from ingestion.settings import PROJECT, Settings
from ingestion.sources.billingo_account import Billingo as BillingoSettings
from ingestion.sources.boberdoo_account import Boberdoo as BoberdooAccount
from ingestion.sources.invoca_account import Invoca as InvocaAccount
from ingestion.warehouse import connect, ensure_database
from tests.python.test_boberdoo import CEDAR, HARBOR, add_lead, purchase
from tests.python.test_invoca import JULY_14, call
from tests.python.vendors import NOW, quick

SCHEMA = Path(__file__).parent.parent / "golden/lead_ledger/schema.sql"
SALES = 30
PRICES = 16  # fewer than twenty: a whole table of a few rows


@dataclass
class World:
    """Four sources with good answers, each of which can be changed on its way to the loader."""

    settings: Settings
    source: psycopg.Connection
    changes: dict[str, Callable[[Any], Any]]

    def night(self, day: int) -> dict[str, Outcome]:
        names = ("billing_db", "billingo", "boberdoo", "invoca")
        run = Run(self.settings, NOW + timedelta(days=day))
        return {outcome.source: outcome for outcome in sync_sources(names, run)}

    def versions(self) -> dict[str, int]:
        """Return how many versions each stream of these sources has."""
        with connect(self.settings) as connection:
            return {
                f"{stream.source}.{stream.name}": connection.execute(
                    f"select count(*) from landing.{stream.source}__{stream.name}"
                ).fetchone()[0]
                for name in ("billing_db", "billingo", "boberdoo", "invoca")
                for stream in SOURCES[name].STREAMS
            }


@pytest.fixture
def world(server: Settings, tmp_path: Path) -> Iterator[World]:
    companies = (PROJECT / "seeds/billingo_companies.csv").read_text().splitlines()
    (tmp_path / "billingo_companies.csv").write_text("\n".join(companies[:2]) + "\n")
    with connect(server, database="postgres", autocommit=True) as connection:
        ensure_database(connection, "billing_db")
    changes: dict[str, Callable[[Any], Any]] = {}
    vendors = {"boberdoo": _portal(), "invoca": _network(), "billingo": _invoicer()}
    served = {name: _changed(name, vendor, changes) for name, vendor in vendors.items()}
    source = replace(server.warehouse, name="billing_db")
    with (
        Sandbox(served) as sandbox,
        psycopg.connect(**source.parameters(), autocommit=True) as database,
    ):
        _fill(database)
        settings = quick(
            server,
            seeds_directory=tmp_path,
            billing_db=source,
            billingo=BillingoSettings(sandbox.url("billingo"), {"BILLINGO_KEY_KEKFENY": "key"}),
            invoca=InvocaAccount(sandbox.url("invoca"), NETWORK_ID, TOKEN),
            boberdoo=BoberdooAccount(
                sandbox.url("boberdoo"), canary_lead_id="100", lead_types=("33",), key=Boberdoo.key
            ),
        )
        yield World(settings, database, changes)


def _portal() -> Boberdoo:
    portal = Boberdoo(partners=[HARBOR, CEDAR], filter_sets=[{"filter_set_id": "1551"}])
    for number in range(100, 100 + SALES):
        add_lead(portal, number, "2026-07-14 10:58:12", HARBOR)
        portal.transactions.append(purchase(number, "2026-07-14 10:58:13"))
    return portal


def _network() -> Invoca:
    more = {"advertiser_campaign_id": "1", "advertiser_id": "2", "calling_phone_number": ""}
    return Invoca(rows=[call(number, JULY_14, **more) for number in range(SALES)])


def _invoicer() -> Billingo:
    books = Books("Company", "11223344")
    for number in range(1, 1 + SALES):
        line = Line("Leads", Decimal(118), Decimal("112100"), "27%")
        document = invoice(number, 5501001, [line], invoiced_on=date(2026, 7, 14))
        books.keep(document, datetime(2026, 7, 14))
    return Billingo({"key": books})


def _changed(name: str, vendor: Vendor, changes: dict[str, Callable[[Any], Any]]) -> Vendor:
    def answer(request: Request) -> Answer:
        good = vendor(request)
        return Answer(changes[name](good.body), good.status) if name in changes else good

    return answer


def _fill(source: psycopg.Connection) -> None:
    source.execute("drop schema public cascade")
    source.execute("create schema public")
    source.execute(SCHEMA.read_text())
    source.execute(
        "insert into product_price select id, 'land', 62.5, timestamp '2026-01-01'"
        f" + id * interval '1 day' from generate_series(1, {PRICES}) as id"
    )
    source.execute(
        "insert into mortgage_broker_subscription_plan select id, id, 'Growth', 'percent', 12.5,"
        f" '2026-01-01', null from generate_series(1, {SALES}) as id"
    )
    source.execute(
        "insert into land_lead_filter_to_land_lead select id, 10, id, 7, '2026-07-01'"
        f" from generate_series(1, {SALES}) as id"
    )


def renamed(old: str, new: str | None, within: str = "") -> Callable[[Any], Any]:
    """Return a change that renames or drops a field wherever an answer that is of `within` has it.

    That is a collection of boberdoo's, or nothing: any answer.
    """

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(item) for item in value]
        if not isinstance(value, dict) or ("response" in value and within not in value["response"]):
            return value
        return {
            new if name == old else name: change(item)
            for name, item in value.items()
            if new or name != old
        }

    return change


# (vendor, field, collection of boberdoo's) -> the stream that is refused
RENAMED = {
    ("boberdoo", "amount", "transactions"): "boberdoo.transactions",
    ("boberdoo", "partner_id", "transactions"): "boberdoo.transactions",
    ("boberdoo", "transaction_type", "transactions"): "boberdoo.transactions",
    ("boberdoo", "transaction_date", "transactions"): "boberdoo.transactions",
    ("boberdoo", "filter_set_id", "transactions"): "boberdoo.transactions",
    ("boberdoo", "partner_id", "leads"): "boberdoo.lead_partners",
    ("boberdoo", "lead_date", "leads"): "boberdoo.leads",
    ("boberdoo", "lead_data", "leads"): "boberdoo.leads",
    ("invoca", "advertiser_payin_localized", ""): "invoca.transactions",
    ("invoca", "start_time_utc", ""): "invoca.transactions",
    ("billingo", "gross_total", ""): "billingo.documents",
    ("billingo", "summary", ""): "billingo.documents",
    ("billingo", "net_unit_amount", ""): "billingo.items",
}
AS_TEXT = {
    "alter table product_price alter column effective_at type text"
    " using to_char(effective_at, 'DD.MM.YYYY')": (
        f'effective_at: not to be read as a time in {PRICES} of {PRICES} records, .* "99.99.9999"'
    ),
    "alter table product_price alter column price type text"
    " using replace(price::text, '.', ',')": 'price: not to be read as a number .* "99,9"',
    "alter table mortgage_broker_subscription_plan alter column discount_value type text"
    " using discount_value || ' %'": "discount_value: not to be read as a number",
    "alter table mortgage_broker_subscription_plan alter column started_at type date"
    " using started_at; alter table mortgage_broker_subscription_plan alter column started_at"
    " type text using to_char(started_at, 'MM/DD/YYYY')": "started_at: not to be read as a time",
    "alter table product_price rename column product to product_name": (
        "product_price has no column product.* One may be called product_name now"
    ),
}


def error_of(outcome: Outcome) -> str:
    return outcome.error or " ".join(load.error or "" for load in outcome.loads)


@pytest.mark.parametrize(("vendor", "field", "within"), RENAMED)
def test_a_field_that_a_vendor_renames_stops_its_stream_and_no_other_source(
    vendor: str, field: str, within: str, world: World
) -> None:
    # Invoca answers the columns it is asked for: there is no other name.
    new = None if vendor == "invoca" else f"new_{field}"
    stream = RENAMED[vendor, field, within]
    world.changes[vendor] = renamed(field, new, within)
    outcomes = world.night(0)
    assert {name for name, outcome in outcomes.items() if outcome.is_failed} == {vendor}
    assert f"{stream}: the answer has another shape" in error_of(outcomes[vendor])
    first = world.versions()
    assert first[stream] == 0
    assert first["billing_db.land_deliveries"] == SALES
    # Repaired, it lands from where it stood.
    del world.changes[vendor]
    assert not any(outcome.is_failed for outcome in world.night(1).values())
    good = world.versions()
    assert good[stream] == SALES
    # The same again: what is landed stays as it is, and the new name is said.
    world.changes[vendor] = renamed(field, new, within)
    error = error_of(world.night(2)[vendor])
    assert world.versions() == good
    assert ": missing in " in error
    assert new is None or f"it may be called {new} now" in error


def test_buyers_are_not_gone_because_their_list_has_another_name(world: World) -> None:
    assert not any(outcome.is_failed for outcome in world.night(0).values())
    good = world.versions()
    assert good["boberdoo.lead_partners"] == SALES
    world.changes["boberdoo"] = renamed("matched_partners", "buyers", "leads")
    error = error_of(world.night(1)["boberdoo"])
    assert "30 of 30 records do not bring their list of them" in error
    assert world.versions() == good


@pytest.mark.parametrize("damage", AS_TEXT)
def test_a_column_that_is_written_in_another_way_stops_its_source(
    damage: str, world: World
) -> None:
    assert not any(outcome.is_failed for outcome in world.night(0).values())
    good = world.versions()
    world.source.execute(damage)
    outcomes = world.night(1)
    assert {name for name, outcome in outcomes.items() if outcome.is_failed} == {"billing_db"}
    assert re.search(AS_TEXT[damage], error_of(outcomes["billing_db"]))
    assert world.versions() == good
    _fill(world.source)
    assert not any(outcome.is_failed for outcome in world.night(2).values())
    assert world.versions() == good


def test_one_bad_price_of_a_few_is_an_exception_not_a_shape(world: World) -> None:
    world.night(0)
    world.source.execute("alter table product_price alter column price type text")
    world.source.execute("update product_price set price = '12,50' where id = 3")
    assert not world.night(1)["billing_db"].is_failed
