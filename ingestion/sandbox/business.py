"""The business of the demo: every simulated vendor, day by day, as sources the loaders can read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import psycopg

from ingestion.sandbox import billing_db
from ingestion.sandbox.mortgage_market import Market
from ingestion.settings import Settings
from ingestion.warehouse import connect, ensure_database

HISTORY_DAYS = 365
LEADS_PER_DAY = 12


@dataclass
class Business:
    """The running vendors. `settings` reach them; each of `players` plays one more day."""

    settings: Settings
    players: list[Callable[[date], object]] = field(default_factory=list)

    def play(self, day: date) -> None:
        """Let one more day pass at every vendor."""
        for player in self.players:
            player(day)


@contextmanager
def open_business(settings: Settings, first_night: date) -> Iterator[Business]:
    """Open all vendors with a year of history until `first_night`; they live in this process."""
    business = Business(settings)
    with _mortgage_leads(business, first_night):
        yield business


@contextmanager
def _mortgage_leads(business: Business, first_night: date) -> Iterator[None]:
    warehouse = business.settings.warehouse
    source = replace(warehouse, name=f"{warehouse.name}_billing_db")
    with connect(business.settings, database="postgres", autocommit=True) as connection:
        ensure_database(connection, source.name)
    market = Market(first_night - timedelta(days=HISTORY_DAYS), LEADS_PER_DAY)
    with psycopg.connect(**source.parameters()) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        billing_db.create(connection)
        billing_db.generate(connection, market, HISTORY_DAYS)
        business.settings = replace(business.settings, billing_db=source)
        business.players.append(lambda day: billing_db.advance(connection, market, day))
        yield
