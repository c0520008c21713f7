"""Datto RMM, simulated: OAuth, sites with their variables, devices with their free-text fields.

Bad habits kept: absolute next-page addresses, pages from 0, blank instead of null at the end,
epoch milliseconds, and secrets in user-defined fields and site variables.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from ingestion.sandbox.server import Answer, Request, Vendor

API_KEY = "datto-sandbox-key"
API_SECRET = "datto-sandbox-secret"

Rows = list[dict[str, Any]]


@dataclass
class DattoStore:
    """What Datto holds; `variables` are those of each site's uid. `prefix` is its path."""

    sites: Rows = field(default_factory=list)
    devices: Rows = field(default_factory=list)
    variables: dict[str, Rows] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    prefix: str = "/datto"


def datto(store: DattoStore) -> Vendor:
    """Return Datto, which serves what the store holds at that moment."""

    def answer(request: Request) -> Answer:
        if request.path == "/auth/oauth/token":
            return _token(store, request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in store.tokens:
            return Answer({"error": "invalid_token"}, status=401)
        parts = request.path.removeprefix("/api/v2/").split("/")
        match parts:
            case ["account", "sites"]:
                return _page(store, request, "sites", store.sites)
            case ["account", "devices"]:
                return _page(store, request, "devices", store.devices)
            case ["site", uid, "variables"]:
                return _page(store, request, "variables", store.variables.get(uid, []))
        return Answer(status=404)

    return answer


def _token(store: DattoStore, request: Request) -> Answer:
    public_client = "Basic " + b64encode(b"public-client:public").decode()
    wanted = {"grant_type": "password", "username": API_KEY, "password": API_SECRET}
    if request.headers.get("authorization") != public_client or request.form() != wanted:
        return Answer({"error": "invalid_grant"}, status=400)
    token = f"datto-token-{next(store.numbers)}"
    store.tokens.add(token)
    return Answer({"access_token": token, "token_type": "bearer", "expires_in": 360000})


def _page(store: DattoStore, request: Request, name: str, rows: Rows) -> Answer:
    page = int(request.query.get("page", 0))
    size = min(int(request.query.get("max", 250)), 250)
    shown = rows[page * size : (page + 1) * size]
    more = (page + 1) * size < len(rows)
    host = request.headers.get("host", "")
    query = urlencode({"max": size, "page": page + 1})
    details = {
        "count": len(shown),
        "totalCount": len(rows),
        "prevPageUrl": None,
        "nextPageUrl": f"http://{host}{store.prefix}{request.path}?{query}" if more else "",
    }
    return Answer({"pageDetails": details, name: shown})
