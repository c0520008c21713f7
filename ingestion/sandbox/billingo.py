"""Billingo, simulated: API v3 as the OpenAPI file has it, with the habits seen live.

Pages drift while they are read, `paid_date` is today for what is not paid, no payload says when it
was modified, `next_page_url` forgets the filters, and a 422 is not wrapped like other errors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ingestion.sandbox.server import Answer, Request

Document = dict[str, Any]

PAID = ("paid", "partially_paid")
MOST_PER_PAGE = 100


@dataclass
class Books:
    """One company's books at Billingo. `drift` holds documents issued while pages are read."""

    name: str
    tax_code: str
    documents: dict[int, Document] = field(default_factory=dict)
    modified: dict[int, datetime] = field(default_factory=dict)
    payments: dict[int, list[Document]] = field(default_factory=dict)
    spendings: list[Document] = field(default_factory=list)
    drift: list[Document] = field(default_factory=list)

    def keep(self, document: Document, at: datetime) -> None:
        """Write down a document that was issued or modified at `at`."""
        self.documents[document["id"]] = document
        self.modified[document["id"]] = at

    def pay(self, document_id: int, price: Decimal, on: date, at: datetime) -> None:
        """Write down a payment and the document's new status."""
        document = self.documents[document_id]
        paid = self.payments.setdefault(document_id, [])
        paid.append(
            {
                "date": on.isoformat(),
                "price": price,
                "payment_method": document["payment_method"],
                "voucher_number": None,
                "conversion_rate": document["conversion_rate"],
            }
        )
        is_whole = sum(payment["price"] for payment in paid) >= document["gross_total"]
        status = "paid" if is_whole else "partially_paid"
        self.keep(document | {"payment_status": status, "paid_date": on.isoformat()}, at)


@dataclass
class Billingo:
    """The vendor: `keys` maps an API key to its company's books, or to the refusal it gets.

    `today` is the date that unpaid documents carry; None is the real one.
    """

    keys: dict[str, Books | Answer]
    today: date | None = None

    def __call__(self, request: Request) -> Answer:
        """Answer a request as API v3 does."""
        books = self.keys.get(request.headers.get("x-api-key", ""), unauthorized())
        if isinstance(books, Answer):
            return books
        if request.method != "GET":
            return error(403, "The key has no write scope")
        match request.path.strip("/").split("/"):
            case ["organization"]:
                return Answer(_organization(books))
            case ["documents"]:
                return self._documents(books, request)
            case ["documents", identity] if identity.isdigit() and int(identity) in books.documents:
                return Answer(self._shown(books.documents[int(identity)]))
            case ["documents", identity, "payments"] if (
                identity.isdigit() and int(identity) in books.documents
            ):
                return Answer(books.payments.get(int(identity), []))
            case ["spendings"]:
                return _listed(_spendings(books, request.query), request, lambda row: row)
        return error(404, "Not found")

    def _documents(self, books: Books, request: Request) -> Answer:
        answer = _listed(_filtered(books, request.query), request, self._shown)
        if answer.status == 200 and books.drift:
            document = books.drift.pop(0)
            books.keep(document, datetime.fromisoformat(document["invoice_date"]))
        return answer

    def _shown(self, document: Document) -> Document:
        """Return the document as Billingo shows it: paid today, unless it is paid."""
        if document.get("payment_status") in PAID:
            return document
        today = self.today or datetime.now(UTC).date()
        return document | {"paid_date": today.isoformat()}


def error(status: int, message: str) -> Answer:
    """Return an error in Billingo's wrapping; 5xx carry a trace id."""
    body = {"message": message}
    if status >= 500:
        body["trace_id"] = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    return Answer({"error": body}, status)


def unauthorized() -> Answer:
    """Return what a wrong or revoked key gets."""
    return error(401, "Unauthorized")


def invalid(name: str, message: str) -> Answer:
    """Return what a bad parameter gets: the one error that is not wrapped."""
    errors = [{"field": name, "message": message}]
    return Answer({"message": "The given data was invalid.", "errors": errors}, 422)


def _filtered(books: Books, query: dict[str, str]) -> list[Document]:
    """Return the documents a query asks for, by creation, newest first."""
    first, last = query.get("start_date", ""), query.get("end_date", "9999-12-31")
    modified = query.get("last_modified_date")
    since = datetime.fromisoformat(modified) if modified else datetime.min
    return [
        books.documents[identity]
        for identity in sorted(books.documents, reverse=True)
        if first <= books.documents[identity]["invoice_date"] <= last
        and books.modified[identity] >= since
    ]


def _spendings(books: Books, query: dict[str, str]) -> list[Document]:
    field_name = query.get("spending_date", "invoice_date")
    first, last = query.get("start_date", ""), query.get("end_date", "9999-12-31")
    found = [row for row in books.spendings if first <= row[field_name] <= last]
    return sorted(found, key=lambda row: row["due_date"])


def _listed(
    rows: list[Document], request: Request, shown: Callable[[Document], Document]
) -> Answer:
    """Return one page of rows, or the 422 that a bad page gets."""
    numbers = {"page": 1, "per_page": 25}
    for name in numbers:
        text = request.query.get(name, str(numbers[name]))
        if not text.isdigit() or int(text) < 1:
            return invalid(name, "must be a whole number of at least 1")
        numbers[name] = int(text)
    page, per_page = numbers["page"], numbers["per_page"]
    if per_page > MOST_PER_PAGE:
        return invalid("per_page", f"must be at most {MOST_PER_PAGE}")
    last_page = max(1, math.ceil(len(rows) / per_page))
    address = "https://api.billingo.hu/v3" + request.path
    return Answer(
        {
            "data": [shown(row) for row in rows[(page - 1) * per_page : page * per_page]],
            "total": len(rows),
            "per_page": per_page,
            "current_page": page,
            "last_page": last_page,
            "prev_page_url": f"{address}?page={page - 1}" if page > 1 else None,
            "next_page_url": f"{address}?page={page + 1}" if page < last_page else None,
        }
    )


def _organization(books: Books) -> Document:
    return {
        "tax_code": books.tax_code,
        "subscription": {"expiration_date": "2099-12-31", "features": ["subscription_pro"]},
    }
