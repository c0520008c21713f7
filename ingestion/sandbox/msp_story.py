"""A year of a managed service provider, as Codex, Freshservice and Datto show it at any moment.

A pure function of the moment and a seed: played day by day or asked once, the facts are the same.
Its turns: clients join and leave, a plan gets dearer, users are deactivated, servers' backups
grow, hours are logged late, a spam ticket, a deleted one, a plan that nobody sells.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ingestion.sandbox.codex import CodexStore, codex, core
from ingestion.sandbox.datto import DattoStore, datto
from ingestion.sandbox.freshservice import FreshserviceStore, freshservice
from ingestion.sandbox.msp_shapes import (
    PLANS,
    TERMS,
    Client,
    Row,
    asset_at,
    codex_asset,
    codex_ticket,
    company,
    contact_at,
    department,
    device,
    entry,
    plans,
    site,
    utc,
    variables,
)
from ingestion.sandbox.server import Vendor

DEVICES = ("Desktop", "Laptop", "Desktop", "Server", "Laptop", "Network Device")


@dataclass
class MspStores:
    """What the three vendors hold; `tell` fills it."""

    codex: CodexStore = field(default_factory=CodexStore)
    freshservice: FreshserviceStore = field(
        default_factory=lambda: FreshserviceStore(datetime(2000, 1, 1))
    )
    datto: DattoStore = field(default_factory=DattoStore)

    def vendors(self) -> dict[str, Vendor]:
        """Return the vendors by the first part of their path, as the sandbox serves them."""
        return {
            "core": core(self.codex),
            "codex": codex(self.codex),
            "freshservice": freshservice(self.freshservice),
            "datto": datto(self.datto),
        }


def tell(
    stores: MspStores, moment: datetime, *, begins: date, clients: int = 24, seed: int = 11
) -> None:
    """Make the vendors hold what they knew at `moment` of the story that begins on `begins`."""
    day = (moment.date() - begins).days
    there = [client for client in cast_of(clients) if client.joins_on <= day < client.leaves_on]
    tickets = {client: list(_tickets(client, begins, moment, seed)) for client in there}
    assets = {client: list(_assets(client, day, seed)) for client in there}
    stores.codex.plans = list(plans(day))
    stores.codex.companies = [
        {
            "company": company(client, begins),
            "assets": [codex_asset(asset) for asset in assets[client]],
            "contacts": list(_contacts(client, day, seed)),
            "locations": [],
            "tickets": [codex_ticket(ticket) for ticket in tickets[client]],
        }
        for client in there
    ]
    all_tickets = [ticket for client in there for ticket in tickets[client]]
    stores.freshservice.now = moment
    stores.freshservice.departments = [department(client) for client in there]
    stores.freshservice.tickets = [ticket["ticket"] for ticket in all_tickets]
    stores.freshservice.time_entries = {
        str(ticket["ticket"]["id"]): ticket["entries"] for ticket in all_tickets
    }
    stores.datto.sites = [{"uid": site(client), "name": client.name} for client in there]
    stores.datto.variables = {site(client): variables(client) for client in there}
    stores.datto.devices = [device(client, asset) for client in there for asset in assets[client]]


def cast_of(clients: int) -> list[Client]:
    """Return the companies, the later ones joining during the year; one leaves in autumn."""
    return [
        Client(
            number,
            # The last one's plan is a typing error that nobody sells.
            "Manged Plus" if number == clients - 1 else PLANS[number % 4][0],
            TERMS[number % 3],
            joins_on=-400 if number < clients * 3 // 4 else 30 * (number % 7) + 12,
            leaves_on=280 if number == 5 else 10_000,
        )
        for number in range(clients)
    ]


def _assets(client: Client, day: int, seed: int) -> Iterator[Row]:
    numbers = client.random("assets", seed)
    for place in range(numbers.randrange(4, 16)):
        arrives = numbers.choice((-400, -400, -400, numbers.randrange(300)))
        retires = numbers.choice((*[10_000] * 7, numbers.randrange(120, 360)))
        first_bytes = numbers.randrange(200, 900) * 10**9
        category = DEVICES[place % len(DEVICES)]
        growth = first_bytes * max(day, 0) // 200
        if arrives <= day < retires:
            yield asset_at(client, place, category, first_bytes + growth)


def _contacts(client: Client, day: int, seed: int) -> Iterator[Row]:
    numbers = client.random("contacts", seed)
    for place in range(numbers.randrange(3, 14)):
        arrives = numbers.choice((-400, -400, numbers.randrange(300)))
        is_left_on = numbers.choice((10_000, 10_000, numbers.randrange(60, 360)))
        if arrives <= day:
            yield contact_at(client, place, is_active=day < is_left_on)


def _tickets(client: Client, begins: date, moment: datetime, seed: int) -> Iterator[Row]:
    numbers = client.random("tickets", seed)
    for place in range(-2, 30):
        opened = datetime(begins.year, begins.month, begins.day, 8) + timedelta(
            days=15 * place + numbers.randrange(12), minutes=numbers.randrange(300)
        )
        works = numbers.randrange(1, 4)
        minutes = [numbers.randrange(10, 150) for _ in range(works)]
        kind = numbers.randrange(20)
        if opened <= moment:
            number = 40_000 + client.number * 50 + place + 2
            yield _ticket(client, number, opened, minutes, kind, moment)


def _ticket(
    client: Client,
    number: int,
    opened: datetime,
    minutes: list[int],
    kind: int,
    moment: datetime,
) -> Row:
    """Return one ticket: kind 0 is spam, 1 is deleted later, 2 logs late, 3 logs no entries."""
    entries, updated = [], opened
    for place, duration in enumerate(minutes):
        worked = opened + timedelta(hours=20 * place + 1)
        logged = worked + timedelta(days=40 if kind == 2 and place else 0, minutes=duration)
        if logged <= moment:
            updated = max(updated, logged)
            entries.append(entry(number * 10 + place, worked, logged, duration, place != 2))
    is_deleted = kind == 1 and opened + timedelta(days=9) <= moment
    if is_deleted:
        updated = opened + timedelta(days=9)
    return {
        "ticket": {
            "id": number,
            "subject": f"Ticket {number}",
            "status": 5 if len(entries) == len(minutes) else 2,
            "department_id": 21_000_000_000 + client.number,
            "deleted": is_deleted,
            "spam": kind == 0,
            "created_at": utc(opened),
            "updated_at": utc(updated),
            "custom_fields": {},
        },
        "entries": [] if kind == 3 else entries,
        "hours": sum(minutes[: len(entries)]) / 60,
    }
