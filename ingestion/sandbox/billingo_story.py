"""A believable year of invoices for the simulated Billingo: what was booked is invoiced monthly.

Most is invoiced and paid in time. Seeded dice leave some months out, invoice some late, twice,
too high or in another currency, cancel and modify some, and let some customers pay late or never.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from random import Random

from ingestion.sandbox.billingo import Books
from ingestion.sandbox.billingo_documents import NET_DAYS, RATES, Line, cancel, cents, invoice


@dataclass(frozen=True)
class Booking:
    """What an account owes for a month, net, as its invoicer knows it."""

    account_id: str
    month: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Customer:
    """Who an account is at Billingo: a partner of one of the companies."""

    company_id: str
    partner_id: int


@dataclass
class Story:
    """The companies' books, and what is still to happen in them: (when, order, what)."""

    companies: dict[str, Books]
    customers: dict[str, Customer]
    seed: int = 7
    planned: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    invoiced: set[tuple[str, date, str]] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: count(90_010_001))
    order: Iterator[int] = field(default_factory=count)

    def plan(self, at: datetime, action: Callable[[datetime], None]) -> None:
        """Let something happen at that time."""
        heappush(self.planned, (at, next(self.order), action))


def advance(story: Story, bookings: Iterable[Booking], until: datetime) -> None:
    """Invoice the months that have ended, and let happen what is planned before `until`."""
    for booking in sorted(bookings, key=lambda booking: (booking.month, booking.account_id)):
        name = (booking.account_id, booking.month, booking.currency)
        is_over = datetime.combine(_next_month(booking.month), time()) <= until
        if booking.account_id in story.customers and is_over and name not in story.invoiced:
            story.invoiced.add(name)
            _plan_invoices(story, booking)
    while story.planned and story.planned[0][0] < until:
        at, _, action = heappop(story.planned)
        action(at)


def _plan_invoices(story: Story, booking: Booking) -> None:
    """Plan a month's invoice, unless something goes wrong."""
    dice = Random(f"{story.seed} {booking.account_id} {booking.month}")
    month_end = _next_month(booking.month) - timedelta(days=1)
    amount, currency, fulfilled_on = booking.amount, booking.currency, month_end
    at = datetime.combine(month_end, time(9)) + timedelta(days=dice.randint(1, 4))
    fate = dice.random()
    if fate < 0.03:
        return  # forgotten
    if fate < 0.06:
        at += timedelta(days=30)
        fulfilled_on = _next_month(month_end) + timedelta(days=9)
    elif fate < 0.08:
        amount += cents(amount / 10)
    elif fate < 0.10:
        amount, currency = cents(amount * RATES[currency] / RATES["EUR"]), "EUR"
    elif fate < 0.13:
        _plan_invoice(story, booking, amount + 100, currency, fulfilled_on, at, is_wrong=True)
        at += timedelta(hours=3)
    _plan_invoice(story, booking, amount, currency, fulfilled_on, at)


def _plan_invoice(
    story: Story,
    booking: Booking,
    amount: Decimal,
    currency: str,
    fulfilled_on: date,
    at: datetime,
    *,
    is_wrong: bool = False,
) -> None:
    """Plan one invoice, and what becomes of it: it is cancelled if wrong, paid, or overdue."""
    customer = story.customers[booking.account_id]
    books = story.companies[customer.company_id]
    number = next(story.numbers)
    dice = Random(f"{story.seed} {number}")
    vat = "27%" if currency == "HUF" else "EUK"

    def issue(now: datetime) -> None:
        document = invoice(
            *(number, customer.partner_id, list(_lines(amount, vat, dice))),
            currency=currency,
            invoiced_on=now.date(),
            fulfilled_on=fulfilled_on,
        )
        books.keep(document, now)

    story.plan(at, issue)
    if is_wrong:
        cancellation = next(story.numbers)
        story.plan(at + timedelta(hours=1), lambda now: cancel(books, number, cancellation, now))
        return
    story.plan(at + timedelta(days=NET_DAYS + 1), lambda now: _expire(books, number, now))
    habit = dice.random()
    if habit < 0.96:
        days = dice.randint(3, NET_DAYS) if habit < 0.8 else dice.randint(NET_DAYS, 110)
        share = Decimal("0.4") if habit > 0.93 else Decimal(1)
        story.plan(at + timedelta(days=days), lambda now: _pay(books, number, share, now))


def _pay(books: Books, number: int, share: Decimal, now: datetime) -> None:
    books.pay(number, cents(books.documents[number]["gross_total"] * share), now.date(), now)


def _expire(books: Books, number: int, now: datetime) -> None:
    document = books.documents[number]
    if document["payment_status"] == "outstanding":
        books.keep(document | {"payment_status": "expired"}, now)


def _lines(amount: Decimal, vat: str, dice: Random) -> Iterator[Line]:
    """Yield two lines that add up to the amount."""
    first = cents(amount * dice.randint(55, 85) / 100)
    yield Line("Leads", Decimal(dice.randint(5, 120)), first, vat)
    yield Line("Verified leads", Decimal(dice.randint(1, 40)), amount - first, vat)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
