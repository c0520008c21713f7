"""Prefect's page and API behind a door: for this machine's own operator alone.

Whoever reaches the API runs code as the user of `serve`. So it asks for a secret, and a browser is
listened to only where it came to this address by this name: a page of another site that sends it
here, or a name that was made to point here, is refused before Prefect sees it.
"""

import os
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ingestion.embedded import write_private

USER = "ledgerhouse"
ADDRESS = "LEDGERHOUSE_PAGE_ADDRESS"  # host:port of the page, for the server's own process
ENTRANCE = "/open"
# The secret is in the part of the address that no browser sends and no server logs.
OPENER = b"""<!doctype html><meta charset="utf-8"><title>ledgerhouse</title><script>
localStorage.setItem("prefect-password", decodeURIComponent(location.hash.slice(1)));
location.replace("/");
</script>"""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def keep_secret(home: Path) -> str:
    """Return the secret of the page kept in `home`, made there once; nobody else can read it."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    place = home / "secret"
    if not place.exists():
        write_private(place, secrets.token_urlsafe(32))
    return place.read_text()


def environment(secret: str, host: str, port: int) -> dict[str, str]:
    """Return the settings of Prefect's server and of whoever calls it."""
    credentials = f"{USER}:{secret}"
    return {
        "PREFECT_SERVER_API_AUTH_STRING": credentials,
        "PREFECT_API_AUTH_STRING": credentials,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{host}:{port}",
        ADDRESS: f"{host}:{port}",
        "PREFECT__SERVER_FINAL": "1",
        # Its newer pages ask another host for settings of analytics, wanted or not.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
    }


def link(secret: str, host: str, port: int) -> str:
    """Return the address that opens the page without asking for anything."""
    token = b64encode(f"{USER}:{secret}".encode()).decode()
    return f"http://{host}:{port}{ENTRANCE}#{token}"


def application() -> Application:
    """Return Prefect's server behind its door, for uvicorn."""
    from prefect.server.api.server import create_app

    host, _, port = os.environ[ADDRESS].rpartition(":")
    return behind_a_door(create_app(), {f"{name}:{port}" for name in (host, "localhost")})


def behind_a_door(inner: Application, names: set[str]) -> Application:
    """Let through what asks for one of these names, and comes from nowhere or from there."""
    origins = {f"http://{name}" for name in names}

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await inner(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if headers.get(b"host") not in names or (origin and origin not in origins):
            await _answer(scope, send, 403, b"This page is for its own address alone.")
        elif scope["type"] == "http" and scope["path"] == ENTRANCE:
            await _answer(scope, send, 200, OPENER)
        else:
            await inner(scope, receive, send)

    return door


async def _answer(scope: Scope, send: Send, status: int, body: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
