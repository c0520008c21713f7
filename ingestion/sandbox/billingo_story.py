"""A believable year of invoices for the simulated Billingo: what was booked is invoiced monthly.

Most is invoiced and paid in time. Seeded dice leave some months out, invoice some late, twice,
too high or in another currency, cancel and modify some, and let some customers pay late or never.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from ingestion.sandbox.billingo import Books, Document

CENT = Decimal("0.01")
RATES = {"HUF": Decimal("1"), "USD": Decimal("362.15"), "EUR": Decimal("398.75")}
NET_DAYS = 14
# Label, percent: labels may have a decimal comma, or be a code of the zero-rated.
VAT = {"27%": Decimal("27"), "5,5%": Decimal("5.5"), "EUK": Decimal("0"), "AAM": Decimal("0")}


@dataclass(frozen=True)
class Booking:
    """What an account owes for a month, net, as its invoicer knows it."""

    account_id: str
    month: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Customer:
    """A row of the seed `invoice_accounts`: the partner that an account is at Billingo."""

    company_id: str
    partner_id: int
    account_id: str


@dataclass(frozen=True)
class Line:
    """One line of an invoice: net, in the document's currency, with its VAT label."""

    name: str
    quantity: Decimal
    net: Decimal
    vat: str


def cents(amount: Decimal) -> Decimal:
    """Round to cents, half up."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def invoice(
    number: int,
    partner_id: int,
    lines: Sequence[Line],
    *,
    currency: str = "HUF",
    invoiced_on: date,
    fulfilled_on: date | None = None,
    **fields: object,
) -> Document:
    """Return a document as API v3 gives it; `fields` replace any of it."""
    items = [_item(line) for line in lines]
    rate = RATES[currency]
    net, gross = (sum(item[name] for item in items) for name in ("net_amount", "gross_amount"))
    partner = _partner(partner_id)
    document = {
        "id": number,
        "invoice_number": f"LH-{invoiced_on.year}-{number:08}",
        "type": "invoice",
        "cancelled": False,
        "block_id": 31207,
        "payment_status": "outstanding",
        "payment_method": "wire_transfer",
        # The customer pays whole forints, while the lines keep their fractions.
        "gross_total": gross.quantize(Decimal(1), ROUND_HALF_UP) if currency == "HUF" else gross,
        "currency": currency,
        "conversion_rate": rate,
        "invoice_date": invoiced_on.isoformat(),
        "fulfillment_date": (fulfilled_on or invoiced_on).isoformat(),
        "due_date": (invoiced_on + timedelta(days=NET_DAYS)).isoformat(),
        "paid_date": invoiced_on.isoformat(),
        "organization": {"name": "Kékfény", "tax_number": "11223344-2-41", "ev_number": ""},
        "partner": partner,
        "document_partner": partner,
        "electronic": True,
        "comment": "",
        "tags": [],
        "notification_status": "opened",
        "language": "en",
        "items": items,
        "summary": {
            "net_amount": net,
            "net_amount_local": cents(net * rate),
            "gross_amount_local": cents(gross * rate),
            "vat_amount": gross - net,
            "vat_amount_local": cents((gross - net) * rate),
            "vat_rate_summary": [],
        },
        "settings": {"round": "one" if currency == "HUF" else "none", "place_id": None},
        "online_szamla_status": "done",
        "related_documents": [],
        "discount": {"type": "percent", "value": 0},
        "correction_type": "invoice",
    }
    return document | fields


def cancel(books: Books, document_id: int, number: int, at: datetime) -> None:
    """Write down the second document that cancels the first, negative, and mark the first."""
    original = books.documents[document_id]
    negative = ("net_unit_amount", "net_amount", "gross_amount", "vat_amount")
    cancellation = original | {
        "id": number,
        "invoice_number": f"LH-{at.year}-{number:08}",
        "type": "cancellation",
        "payment_status": "none",
        "gross_total": -original["gross_total"],
        "invoice_date": at.date().isoformat(),
        "due_date": at.date().isoformat(),
        "items": [item | {name: -item[name] for name in negative} for item in original["items"]],
        "summary": {
            name: value if isinstance(value, list) else -value
            for name, value in original["summary"].items()
        },
        "related_documents": [_related(original)],
        "correction_type": "cancellation",
    }
    books.keep(cancellation, at)
    changes = {
        "cancelled": True,
        "payment_status": "none",
        "related_documents": [_related(cancellation)],
        "correction_type": "canceled",
    }
    books.keep(original | changes, at)


def tell(
    companies: dict[str, Books],
    customers: Iterable[Customer],
    bookings: Iterable[Booking],
    until: datetime,
    seed: int = 7,
) -> None:
    """Fill the companies' books with what was invoiced and paid until then."""
    by_account = {customer.account_id: customer for customer in customers}
    numbers = {company_id: 90_010_000 for company_id in companies}
    for booking in sorted(bookings, key=lambda booking: (booking.month, booking.account_id)):
        customer = by_account.get(booking.account_id)
        if customer is None or customer.company_id not in companies:
            continue
        dice = Random(f"{seed} {booking.account_id} {booking.month}")
        books = companies[customer.company_id]
        for event in _events(customer, booking, dice):
            if event.at >= until:
                continue
            numbers[customer.company_id] += 1
            _write(books, event, numbers[customer.company_id], until, dice)


@dataclass(frozen=True)
class Event:
    """One invoice to be written; `is_cancelled` says that it will be taken back."""

    partner_id: int
    lines: Sequence[Line]
    currency: str
    fulfilled_on: date
    at: datetime
    is_cancelled: bool = False


def _events(customer: Customer, booking: Booking, dice: Random) -> Iterator[Event]:
    """Yield the invoices of a booking: one, unless something went wrong."""
    month_end = _next_month(booking.month) - timedelta(days=1)
    issued = datetime.combine(month_end, time(9)) + timedelta(days=dice.randint(1, 4))
    amount, currency, fulfilled_on = booking.amount, booking.currency, month_end
    fate = dice.random()
    if fate < 0.03:
        return
    if fate < 0.06:
        issued += timedelta(days=30)
        fulfilled_on = _next_month(month_end) + timedelta(days=9)
    elif fate < 0.08:
        amount += cents(amount / 10)
    elif fate < 0.10:
        amount, currency = cents(amount * RATES[currency] / RATES["EUR"]), "EUR"
    lines = list(_lines(amount, "27%" if currency == "HUF" else "EUK", dice))
    if 0.10 <= fate < 0.13:
        wrong = list(_lines(amount + 100, lines[0].vat, dice))
        before = issued - timedelta(hours=2)
        yield Event(customer.partner_id, wrong, currency, fulfilled_on, before, is_cancelled=True)
    yield Event(customer.partner_id, lines, currency, fulfilled_on, issued)


def _write(books: Books, event: Event, number: int, until: datetime, dice: Random) -> None:
    document = invoice(
        2 * number,  # the odd number after it is the cancellation's
        event.partner_id,
        event.lines,
        currency=event.currency,
        invoiced_on=event.at.date(),
        fulfilled_on=event.fulfilled_on,
    )
    books.keep(document, event.at)
    if event.is_cancelled:
        cancel(books, document["id"], 2 * number + 1, event.at + timedelta(hours=1))
        return
    habit = dice.random()
    days = dice.randint(3, NET_DAYS) if habit < 0.8 else dice.randint(NET_DAYS, 110)
    paid_at = event.at + timedelta(days=days)
    if habit > 0.96 or paid_at >= until:
        is_overdue = event.at + timedelta(days=NET_DAYS) < until
        status = "expired" if is_overdue else "outstanding"
        books.keep(document | {"payment_status": status}, event.at)
        return
    share = Decimal("0.4") if habit > 0.93 else Decimal(1)
    books.pay(document["id"], cents(document["gross_total"] * share), paid_at.date(), paid_at)


def _lines(amount: Decimal, vat: str, dice: Random) -> Iterator[Line]:
    """Yield two lines that add up to the amount."""
    first = cents(amount * dice.randint(55, 85) / 100)
    yield Line("Leads", Decimal(dice.randint(5, 120)), first, vat)
    yield Line("Verified leads", Decimal(dice.randint(1, 40)), amount - first, vat)


def _item(line: Line) -> Document:
    vat_amount = cents(line.net * VAT[line.vat] / 100)
    return {
        "product_id": None,
        "name": line.name,
        "net_unit_amount": cents(line.net / line.quantity),
        "quantity": line.quantity,
        "unit": "db",
        "net_amount": line.net,
        "gross_amount": line.net + vat_amount,
        "vat": line.vat,
        "vat_amount": vat_amount,
        "entitlement": None,
        "comment": "",
    }


def _partner(partner_id: int) -> Document:
    return {
        "id": partner_id,
        "name": f"Customer {partner_id}",
        "address": {"country_code": "US", "post_code": "10001", "city": "New York", "address": ""},
        "emails": [f"ap{partner_id}@customer.example"],
        "taxcode": "",
        "iban": "",
        "swift": "",
        "account_number": "--",
        "phone": "",
        "tax_type": "FOREIGN",
    }


def _related(document: Document) -> Document:
    return {"id": document["id"], "invoice_number": document["invoice_number"]}


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
