"""The business of the demo: every simulated vendor, day by day, as sources the loaders can read."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import psycopg

from ingestion.sandbox import billing_db, billingo_story, datto, freshservice, msp_story
from ingestion.sandbox.billingo import Billingo, Books
from ingestion.sandbox.billingo_story import Booking, Customer
from ingestion.sandbox.mortgage_market import Market
from ingestion.sandbox.server import Sandbox, Vendor
from ingestion.sandbox.story.sales import tell
from ingestion.sandbox.story.stage import Stage
from ingestion.settings import PROJECT, Settings, read_settings
from ingestion.warehouse import connect, ensure_database

HISTORY_DAYS = 365
MORTGAGE_LEADS_PER_DAY = 12
LEADS = 3000
LAST_NIGHTS = 30


@dataclass
class Business:
    """The running vendors: what the loaders need to reach them, and how each plays a day."""

    first_night: date
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    players: list[Callable[[date], object]] = field(default_factory=list)

    def play(self, day: date) -> None:
        """Let one more day pass at every vendor."""
        for player in self.players:
            player(day)

    def settings(self) -> Settings:
        """Return settings whose sources are the simulated vendors."""
        os.environ.update(self.environment)
        return read_settings()


@contextmanager
def open_business(settings: Settings, first_night: date) -> Iterator[Business]:
    """Open all vendors with a year of history until `first_night`; they live in this process."""
    business = Business(first_night)
    with ExitStack() as stack:
        _open_mortgage_market(business, settings, stack)
        stage = _open_lead_business(business, stack)
        _open_msp(business)
        _open_billingo(business, settings)
        sandbox = stack.enter_context(Sandbox(business.vendors))
        business.url = url = sandbox.url("").rstrip("/")
        business.environment |= stage.environment(url) | {
            "CORE_BASE_URL": f"{url}/core",
            "CODEX_BASE_URL": f"{url}/codex",
            "FRESHSERVICE_BASE_URL": f"{url}/freshservice",
            "FRESHSERVICE_API_KEY": freshservice.API_KEY,
            "DATTO_BASE_URL": f"{url}/datto",
            "DATTO_API_KEY": datto.API_KEY,
            "DATTO_API_SECRET": datto.API_SECRET,
            # The sandbox is no vendor to be gentle with.
            "LEDGERHOUSE_REQUESTS_PER_MINUTE": "100000",
        }
        yield business


def _open_mortgage_market(business: Business, settings: Settings, stack: ExitStack) -> None:
    source = replace(settings.warehouse, name=f"{settings.warehouse.name}_billing_db")
    with connect(settings, database="postgres", autocommit=True) as connection:
        ensure_database(connection, source.name)
    market = Market(business.first_night - timedelta(days=HISTORY_DAYS), MORTGAGE_LEADS_PER_DAY)
    connection = stack.enter_context(psycopg.connect(**source.parameters()))
    connection.execute("drop schema public cascade")
    connection.execute("create schema public")
    billing_db.create(connection)
    billing_db.generate(connection, market, HISTORY_DAYS)
    business.players.append(lambda day: billing_db.advance(connection, market, day))
    business.environment |= {
        "BILLING_DB_HOST": source.host,
        "BILLING_DB_PORT": str(source.port),
        "BILLING_DB_USER": source.user,
        "BILLING_DB_PASSWORD": source.secret(),
        "BILLING_DB_NAME": source.name,
    }


def _open_lead_business(business: Business, stack: ExitStack) -> Stage:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ledgerhouse-dispositions-"))
    story = tell(_night(business.first_night + timedelta(days=LAST_NIGHTS)), leads=LEADS)
    stage = Stage(story, Path(folder))
    stage.show(_night(business.first_night))
    business.vendors |= stage.vendors()
    business.players.append(lambda day: stage.show(_night(day + timedelta(days=1))))
    return stage


def _open_msp(business: Business) -> None:
    stores, begins = msp_story.MspStores(), business.first_night - timedelta(days=HISTORY_DAYS)
    msp_story.tell(stores, _night(business.first_night), begins=begins)
    business.vendors |= stores.vendors()
    business.players.append(
        lambda day: msp_story.tell(stores, _night(day + timedelta(days=1)), begins=begins)
    )


def _open_billingo(business: Business, settings: Settings) -> None:
    """Open the invoicer, who bills closed months as the ledger has them.

    So Billingo is connected from the second night on, when there is a ledger.
    """
    companies = _seed("billingo_companies")
    books = {row["company_id"]: Books(row["name"], "12345678-2-42") for row in companies}
    customers = {
        row["account_id"]: Customer(row["company_id"], int(row["partner_id"]))
        for row in _seed("invoice_accounts")
    }
    story = billingo_story.Story(books, customers)
    vendor = Billingo({row["key_variable"]: books[row["company_id"]] for row in companies})

    def play(day: date) -> None:
        moment = _night(day + timedelta(days=1))
        billingo_story.advance(story, _closed_months(settings, business.first_night), moment)
        vendor.today = moment.date()
        business.environment["BILLINGO_BASE_URL"] = f"{business.url}/billingo"

    business.vendors["billingo"] = vendor
    business.environment |= {row["key_variable"]: row["key_variable"] for row in companies}
    business.players.append(play)


def _closed_months(settings: Settings, night: date) -> list[Booking]:
    with connect(settings) as connection:
        made = connection.execute("select to_regclass('marts.fct_ledger_entries')").fetchone()
        if not made or not made[0]:
            return []
        rows = connection.execute(
            "select account_id, cast(date_trunc('month', occurred_at) as date), sum(amount),"
            "       currency"
            " from marts.fct_ledger_entries where occurred_at < date_trunc('month', %s::timestamp)"
            " group by 1, 2, 4 order by 2, 1",
            (night,),
        )
        return [Booking(*row) for row in rows]


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _night(day: date) -> datetime:
    return datetime.combine(day, time())
