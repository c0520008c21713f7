"""Invoices, payments and cancellations: what Billingo holds."""

from datetime import timedelta
from decimal import Decimal

from ingestion.sandbox.billingo_documents import Line, cancel, invoice
from tests.simulation.world import World


def issue(world: World) -> None:
    """An invoice is issued; some have no rate, or one of zero."""
    number = world.number()
    lines = [Line("Leads", Decimal(1), Decimal(world.money()), world.random.choice(["27%", "AAM"]))]
    currency = world.random.choice(["HUF", "USD", "EUR"])
    rates = [{}, {}, {}, {"conversion_rate": None}, {"conversion_rate": Decimal(0)}]
    document = invoice(
        number,
        world.base * 10,
        lines,
        currency=currency,
        invoiced_on=(world.now - timedelta(days=1)).date(),
        **world.random.choice(rates),
    )
    world.books.keep(document, world.now - timedelta(hours=2))
    world.issued.append(number)


def settle(world: World) -> None:
    """A customer pays, in part or whole."""
    if world.issued:
        number = world.random.choice(world.issued)
        if world.books.documents[number]["type"] == "invoice":
            day = world.now - timedelta(hours=3)
            world.books.pay(number, Decimal(world.money()), day.date(), day)


def call_off(world: World) -> None:
    """An invoice is cancelled; now and then a cancellation is, or an invoice twice."""
    if world.issued:
        number = world.number()
        cancel(world.books, world.random.choice(world.issued), number, world.now)
        world.issued.append(number)


TURNS = {issue: 2, settle: 1, call_off: 1}
