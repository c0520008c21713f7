"""Freshservice: tickets, the time logged on them, and departments.

Its lists hide tickets older than 30 days unless `updated_since` is given, and spam and deleted
tickets unless they are asked for. Time entries cost one call per ticket, and logging time need not
touch the ticket: so those of an open billing period are asked for on every run.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import simplejson
from psycopg import Connection

from ingestion.erasure import NOBODY, NotErased
from ingestion.fields import HOURS, TIME, TRUTH, need
from ingestion.http import Client, VendorError, open_client
from ingestion.landing import EVERYTHING, Load, Stream, children_of, open_load
from ingestion.run import Run
from ingestion.warehouse import connect

log = logging.getLogger(__name__)

NAME = "freshservice"
REQUIRES = ("FRESHSERVICE_BASE_URL", "FRESHSERVICE_API_KEY")

PER_MINUTE = 80  # the smallest plan allows 100
PAGE_SIZE = 100
OVERLAP = timedelta(days=2)
# A month stays open to changes until some days after its end (SPEC M1); this is on the safe side.
PERIOD_STAYS_OPEN = timedelta(days=10)
BEGINNING = datetime(2000, 1, 1)
RESOLVED, CLOSED = 4, 5
MAX_FAILED_IN_A_ROW = 3

FREE_TEXT = NotErased("what people wrote may name anybody")
DEPARTMENTS = Stream(
    *(NAME, "departments", ("id",)),
    personal=NOBODY,
    fields=need("custom_fields.account_number", may_be_blank=True),
)
TICKETS = Stream(
    *(NAME, "tickets", ("id",)),
    personal=FREE_TEXT,
    fields=(
        *need("department_id", may_be_blank=True),
        *need("spam", "deleted", form=TRUTH, may_be_blank=True),
    ),
)
# Each ticket answers for its own few entries, so any share of them may go.
TIME_ENTRIES = Stream(
    NAME,
    "time_entries",
    key=("ticket_id", "id"),
    scope_field="ticket_id",
    max_deleted_share=1.0,
    personal=FREE_TEXT,
    fields=(
        *need("time_spent", form=HOURS),
        *need("billable", "timer_running", form=TRUTH, may_be_blank=True),
        *need("executed_at", form=TIME, may_be_blank=True),
    ),
)
STREAMS = [DEPARTMENTS, TICKETS, TIME_ENTRIES]


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a Freshservice account."""
    return run.settings.freshservice is not None


def sync(run: Run) -> list[Load]:
    """Land departments, the tickets that changed, and the entries of those that may be billed."""
    account = run.settings.freshservice
    client = open_client(NAME, account.base_url, run.settings, per_minute=PER_MINUTE)
    client.session.auth = (account.api_key, "X")
    with connect(run.settings) as warehouse:
        departments = _land_departments(run, client, warehouse)
        tickets, changed = _land_tickets(run, client, warehouse)
        wanted = changed | _open_tickets(warehouse)
        return [departments, tickets, _land_time_entries(run, client, warehouse, wanted)]


def extract(client: Client, path: str, name: str, **parameters: Any) -> Iterator[Any]:
    """Yield the rows `name` of every page, as long as the Link header announces a next one.

    The page is counted here: a foreign URL in the header would be sent our key.
    """
    page, has_next = 0, True
    while has_next:
        page += 1
        answer = client.get(path, page=page, per_page=PAGE_SIZE, **parameters)
        body = client.parse(answer)
        if not isinstance(body, dict) or not isinstance(body.get(name), list):
            raise VendorError(f"freshservice: {path} answered without a list of {name}")
        yield from body[name]
        has_next = answer.has_next


def extract_tickets(client: Client, since: datetime) -> Iterator[Any]:
    """Yield the tickets updated since then, deleted and spam ones too."""
    changed = {"updated_since": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
    yield from extract(client, "/api/v2/tickets", "tickets", **changed)
    for listing in ("deleted", "spam"):
        yield from extract(client, "/api/v2/tickets", "tickets", filter=listing, **changed)


def extract_time_entries(client: Client, ticket: int) -> list[Any]:
    """Return the ticket's time entries with its id, which Freshservice leaves out."""
    path = f"/api/v2/tickets/{ticket}/time_entries"
    return [
        {**entry, "ticket_id": ticket} if isinstance(entry, dict) else entry
        for entry in extract(client, path, "time_entries")
    ]


def changed_since(cursor: str | None, loaded_at: datetime) -> datetime:
    """Return from when tickets are asked for: what is new, and the whole open billing period."""
    if cursor is None:
        return BEGINNING
    open_month = (loaded_at - PERIOD_STAYS_OPEN).replace(day=1, hour=0, minute=0, second=0)
    last_run = datetime.fromisoformat(cursor).astimezone(UTC).replace(tzinfo=None)
    return min(last_run - OVERLAP, open_month)


def _land_departments(run: Run, client: Client, warehouse: Connection) -> Load:
    with open_load(warehouse, run.settings, DEPARTMENTS, loaded_at=run.loaded_at) as load:
        for department in extract(client, "/api/v2/departments", "departments"):
            load.add(department)
        load.counts.api_calls = client.calls
        load.complete(scope=None if load.counts.quarantined else EVERYTHING)
    return load


def _land_tickets(run: Run, client: Client, warehouse: Connection) -> tuple[Load, set[int]]:
    calls, changed = client.calls, set()
    with open_load(warehouse, run.settings, TICKETS, loaded_at=run.loaded_at) as load:
        since = changed_since(None if run.full else load.cursor, run.loaded_at)
        for ticket in extract_tickets(client, since):
            load.add(ticket)
            if isinstance(ticket, dict) and isinstance(ticket.get("id"), int):
                changed.add(ticket["id"])
        load.counts.api_calls = client.calls - calls
        load.complete(cursor=f"{run.loaded_at:%Y-%m-%dT%H:%M:%SZ}")
    return load, changed


def _open_tickets(warehouse: Connection) -> set[int]:
    rows = warehouse.execute(
        "select source_key::bigint from ("
        "  select distinct on (source_key) source_key, payload ->> 'status' as status"
        "  from raw.freshservice__tickets order by source_key, loaded_at desc"
        ") as latest where status not in (%s, %s)",
        (str(RESOLVED), str(CLOSED)),
    ).fetchall()
    warehouse.commit()
    return {ticket for (ticket,) in rows}


def _land_time_entries(run: Run, client: Client, warehouse: Connection, wanted: set[int]) -> Load:
    calls, answered, failed = client.calls, [], []
    with open_load(warehouse, run.settings, TIME_ENTRIES, loaded_at=run.loaded_at) as load:
        # The cursor holds the tickets that gave no answer last time.
        again = simplejson.loads(load.cursor) if load.cursor else []
        for ticket in sorted(wanted | set(again)):
            try:
                entries = extract_time_entries(client, ticket)
            except VendorError as error:
                _refuse_lasting_failure(error, failed, answered)
                if error.status != 404:
                    failed.append(ticket)
                    load.reject(f"ticket {ticket}", str(error))
                continue
            answered.append(ticket)
            for entry in entries:
                load.add(entry)
        load.counts.api_calls = client.calls - calls
        load.complete(
            scope=children_of([str(ticket) for ticket in answered]),
            cursor=simplejson.dumps(failed),
        )
    return load


def _refuse_lasting_failure(error: VendorError, failed: list[int], answered: list[int]) -> None:
    """Raise the error again where the vendor, and not one ticket, is the trouble."""
    latest = max(answered, default=-1)
    in_a_row = sum(ticket > latest for ticket in failed)
    if error.status in (401, 403, 429) or in_a_row >= MAX_FAILED_IN_A_ROW:
        raise error
