"""Billingo's loader and its simulated vendor against the vendor's own OpenAPI file."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import simplejson
import yaml

from ingestion.books import make_books
from ingestion.run import Run
from ingestion.sandbox.billingo import Billingo, Books, error, invalid
from ingestion.sandbox.billingo_documents import cancel
from ingestion.sandbox.billingo_story import Booking, Customer, Story, advance
from ingestion.sandbox.server import Request
from ingestion.settings import Settings
from ingestion.sources import billingo
from ingestion.sources.billingo_account import Billingo as BillingoSettings
from ingestion.warehouse import connect
from tests.python.conftest import free_port

CONTRACTS = Path(__file__).parent.parent / "contracts"
OPENAPI = CONTRACTS / "billingo.openapi.yaml"
# Seen live, though the file says otherwise.
NULL_ALL_THE_SAME = {"entitlement", "prev_page_url", "next_page_url"}


@pytest.fixture(scope="session")
def prism() -> Iterator[str]:
    """The address of Prism, a public mock server, serving the OpenAPI file."""
    program = CONTRACTS / "node_modules/.bin/prism"
    if not program.exists():
        install_prism()
    port = free_port()
    log = (CONTRACTS / "node_modules/prism.log").open("w")
    process = subprocess.Popen(
        [program, "mock", "--port", str(port), OPENAPI], stdout=log, stderr=subprocess.STDOUT
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/organization")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def install_prism() -> None:
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("NOT PROVEN: npm is missing, so Prism cannot serve Billingo's OpenAPI file")
    try:
        subprocess.run(
            [npm, "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"],
            cwd=CONTRACTS,
            check=True,
            capture_output=True,
            timeout=300,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        pytest.skip(f"NOT PROVEN: npm cannot install Prism: {failure}")


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("Prism does not start; see its log in tests/contracts/node_modules")


def test_the_loader_lands_what_prism_makes_of_the_openapi_file(prism: str, settings: Settings):
    settings = replace(settings, billingo=BillingoSettings(prism, {"BILLINGO_KEY_KEKFENY": "any"}))
    with connect(settings) as connection:
        make_books(connection)
    for night in (1, 2):
        loads = billingo.sync(Run(settings, datetime(2026, 7, night), tenant="1"))
        assert [(load.stream.name, load.status, load.error) for load in loads] == [
            ("documents", "completed", None),
            ("items", "completed", None),
            ("payments", "completed", None),
            ("spendings", "completed", None),
        ]
        assert [load.counts.received for load in loads] == [1, 1, 1, 1]
        assert [load.counts.created for load in loads] == ([1] * 4 if night == 1 else [0] * 4)


def test_the_simulated_vendor_answers_as_the_openapi_file_says():
    books = Books("Kékfény", "11223344")
    bookings = [
        Booking(f"broker:{broker}", date(2026, month, 1), Decimal("1234.56") * broker, currency)
        for broker in range(1, 60)
        for month, currency in ((3, "USD"), (4, "HUF"))
    ]
    customers = {f"broker:{broker}": Customer("1", 5501000 + broker) for broker in range(1, 60)}
    advance(Story({"1": books}, customers), bookings, until=datetime(2026, 6, 1))
    cancel(books, max(books.documents), 99_999_999, datetime(2026, 6, 1))
    paid = next(iter(books.payments))
    vendor = Billingo({"key": books, "lapsed": error(402, "x"), "read": error(403, "x")})

    def ask(path: str, key: str = "key", **query: str) -> tuple[int, Any]:
        answer = vendor(Request("GET", path, query, {"x-api-key": key}))
        return answer.status, simplejson.loads(answer.content(), use_decimal=False)

    assert {document["type"] for document in books.documents.values()} == {
        *("invoice", "cancellation"),
    }
    for status, schema, (found, body) in (
        (200, "DocumentList", ask("/documents", per_page="100")),
        (200, "Document", ask(f"/documents/{paid}")),
        (200, "PaymentHistory", (200, ask(f"/documents/{paid}/payments")[1][0])),
        (200, "SpendingList", ask("/spendings")),
        (200, "OrganizationData", ask("/organization")),
        (401, "ClientErrorResponse", ask("/documents", key="wrong")),
        (402, "SubscriptionErrorResponse", ask("/documents", key="lapsed")),
        (403, "ClientErrorResponse", ask("/documents", key="read")),
        (404, "ClientErrorResponse", ask("/documents/1")),
        (422, "ValidationErrorResponse", ask("/documents", per_page="101")),
    ):
        assert found == status
        jsonschema.validate(body, json_schema(schema))
    server_error = simplejson.loads(error(500, "Server error").content())
    jsonschema.validate(server_error, json_schema("ServerErrorResponse"))
    assert invalid("page", "bad").body.keys() == {"message", "errors"}


def json_schema(name: str) -> dict[str, Any]:
    """The file's schema as JSON Schema: `nullable` becomes a second type."""
    return {
        "$ref": f"#/components/schemas/{name}",
        "components": nullable(contract()["components"]),
    }


@cache
def contract() -> dict[str, Any]:
    return yaml.safe_load(OPENAPI.read_text())


def nullable(node: Any, name: str = "") -> Any:
    if isinstance(node, list):
        return [nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: nullable(value, key) for key, value in node.items()}
    if node.get("nullable") or name in NULL_ALL_THE_SAME:
        return {"anyOf": [made, {"type": "null"}]}
    return made


def test_the_openapi_file_knows_every_path_and_parameter_the_loader_uses():
    paths = contract()["paths"]
    source = Path(billingo.__file__).read_text()
    used = {re.sub(r"\{[a-z_]+\}", "{id}", path) for path in re.findall(r'"(/[a-z/{}_]+)"', source)}
    assert used == {"/documents", "/documents/{id}", "/documents/{id}/payments", "/spendings"}
    assert used <= paths.keys()
    known = {parameter["name"] for path in used for parameter in paths[path]["get"]["parameters"]}
    assert {"page", "per_page", "start_date", "last_modified_date", "spending_date"} <= known
