"""A buyer's disposition feed, simulated: events in order, with a cursor and a bearer token."""

from dataclasses import dataclass, field
from typing import Any

from ingestion.sandbox.server import Answer, Request

TOKEN = "sandbox-feed-token"


@dataclass
class DispositionFeed:
    """The feed's events in order, and its API: call it with a request."""

    token: str = TOKEN
    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        """Answer with the events after the cursor; the cursor is how many were read."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer({"error": "unauthorized"}, status=401)
        first = int(request.query.get("after") or 0)
        page = self.events[first : first + int(request.query.get("limit", 100))]
        return Answer({"events": page, "next": str(first + len(page))})
