"""Codex and Core, simulated: service tokens, the bulk answer, the plans.

Bad habits kept: everything in one answer, `year` compared as text, three shapes of error.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import simplejson

from ingestion.sandbox.server import Answer, Request, Vendor


@dataclass
class CodexStore:
    """What Codex holds: the bulk answer with tickets, the plans, and the tokens it accepts."""

    companies: list[dict[str, Any]] = field(default_factory=list)
    plans: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))


def core(store: CodexStore) -> Vendor:
    """Return Core: it gives a service token to whoever says which service calls which."""

    def answer(request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/service-token"):
            return Answer({"error": "Not found"}, status=404)
        services = simplejson.loads(request.body or b"{}")
        if not services.get("calling_service") or services.get("target_service") != "codex":
            return Answer({"error": "calling_service and target_service are required"}, status=400)
        token = f"sandbox.token.{next(store.numbers)}"
        store.tokens.add(token)
        return Answer({"token": token})

    return answer


def codex(store: CodexStore) -> Vendor:
    """Return Codex, which serves what the store holds at that moment."""

    def answer(request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in store.tokens:
            return Answer({"error": "Invalid or expired token"}, status=401)
        if request.path == "/api/companies/bulk":
            return Answer(_bulk(store, request.query))
        if request.path == "/billing-plans/api/plans":
            plans = store.plans
            return Answer({"status": "success", "plans": plans, "count": len(plans)})
        return Answer({"status": "error", "message": "Not found"}, status=404)

    return answer


def _bulk(store: CodexStore, query: dict[str, str]) -> list[dict[str, Any]]:
    if query.get("include_tickets") != "true":
        return [{**entry, "tickets": []} for entry in store.companies]
    year = query.get("year", "")
    return [
        {
            **entry,
            "tickets": [
                ticket
                for ticket in entry["tickets"]
                if (ticket["last_updated_at"] or "").startswith(year)
            ],
        }
        for entry in store.companies
    ]
