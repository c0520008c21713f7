"""Freshservice, simulated: tickets in three lists, time entries per ticket, departments.

Bad habits kept: 30 rows a page unless asked, only the last 30 days without `updated_since`, spam
and deleted tickets hidden, the next page in the Link header alone, entries without their ticket.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.sandbox.server import Answer, Request, Vendor

API_KEY = "freshservice-sandbox-key"

Rows = list[dict[str, Any]]


@dataclass
class FreshserviceStore:
    """What Freshservice holds, and what it takes for now."""

    now: datetime
    tickets: Rows = field(default_factory=list)
    time_entries: dict[str, Rows] = field(default_factory=dict)
    departments: Rows = field(default_factory=list)


def freshservice(store: FreshserviceStore) -> Vendor:
    """Return Freshservice, which serves what the store holds at that moment."""
    expected = "Basic " + b64encode(f"{API_KEY}:X".encode()).decode()

    def answer(request: Request) -> Answer:
        if request.headers.get("authorization") != expected:
            message = "You have to be logged in to perform this action."
            return Answer({"code": "invalid_credentials", "message": message}, status=401)
        if request.path == "/api/v2/departments":
            return _page(request, "departments", store.departments)
        if request.path == "/api/v2/tickets":
            return _tickets(store, request)
        entries = re.fullmatch(r"/api/v2/tickets/(\d+)/time_entries", request.path)
        if entries and entries[1] in store.time_entries:
            return _page(request, "time_entries", store.time_entries[entries[1]])
        return Answer(status=404)

    return answer


def _tickets(store: FreshserviceStore, request: Request) -> Answer:
    listing = request.query.get("filter")
    rows = [ticket for ticket in store.tickets if _listing(ticket) == listing]
    if "updated_since" not in request.query:
        month_ago = store.now - timedelta(days=30)
        rows = [ticket for ticket in rows if _instant(ticket["created_at"]) >= month_ago]
        return _page(request, "tickets", rows)
    try:
        since = _instant(request.query["updated_since"])
    except ValueError:
        error = {
            "field": "updated_since",
            "message": "It should be a valid date",
            "code": "invalid_value",
        }
        return Answer({"description": "Validation failed", "errors": [error]}, status=400)
    rows = [ticket for ticket in rows if _instant(ticket["updated_at"]) >= since]
    return _page(request, "tickets", rows)


def _listing(ticket: dict[str, Any]) -> str | None:
    if ticket["deleted"]:
        return "deleted"
    return "spam" if ticket["spam"] else None


def _page(request: Request, name: str, rows: Rows) -> Answer:
    page = int(request.query.get("page", 1))
    size = min(int(request.query.get("per_page", 30)), 100)
    headers = {"X-RateLimit-Total": "100", "X-RateLimit-Used-CurrentRequest": "1"}
    if page * size < len(rows):
        host = request.headers.get("host", "")
        headers["Link"] = f'<http://{host}{request.path}?page={page + 1}>; rel="next"'
    return Answer({name: rows[(page - 1) * size : page * size]}, headers=headers)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
