"""The business of the demo: every simulated vendor, day by day, as sources the loaders can read."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import psycopg

from ingestion.sandbox import billing_db, datto, freshservice, msp_story
from ingestion.sandbox.mortgage_market import Market
from ingestion.sandbox.server import Sandbox, Vendor
from ingestion.sandbox.story.sales import tell
from ingestion.sandbox.story.stage import Stage
from ingestion.settings import Settings, read_settings
from ingestion.warehouse import connect, ensure_database

HISTORY_DAYS = 365
MORTGAGE_LEADS_PER_DAY = 12
LEADS = 3000
LAST_NIGHTS = 30


@dataclass
class Business:
    """The running vendors: what the loaders need to reach them, and how each plays a day."""

    first_night: date
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
        sandbox = stack.enter_context(Sandbox(business.vendors))
        url = sandbox.url("").rstrip("/")
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
        "BILLING_DB_PASSWORD": source.password,
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


def _night(day: date) -> datetime:
    return datetime.combine(day, time())
