"""Documents as Billingo's API v3 gives them: invoices and their cancellations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ingestion.sandbox.billingo import Books, Document

CENT = Decimal("0.01")
RATES = {"HUF": Decimal("1"), "USD": Decimal("362.15"), "EUR": Decimal("398.75")}
NET_DAYS = 14
# Label, percent: labels may have a decimal comma, or be a code of the zero-rated.
VAT = {"27%": Decimal("27"), "5,5%": Decimal("5.5"), "EUK": Decimal("0"), "AAM": Decimal("0")}


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
        "related_documents": [*original.get("related_documents", []), _related(cancellation)],
        "correction_type": "canceled",
    }
    books.keep(original | changes, at)


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
