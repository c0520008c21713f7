"""Freshservice: tickets, the time logged on them, and departments.

Its lists hide tickets older than 30 days unless `updated_since` is given, and spam and deleted
tickets unless they are asked for. Time entries cost one call per ticket, and logging time need not
touch the ticket: so those of an open billing period are asked for on every run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import simplejson
from psycopg import Connection

from ingestion.environment import configured
from ingestion.fields import HOURS, TIME, TRUTH, need
from ingestion.http import Client, VendorError, open_client
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.owed import owe, owing, settle
from ingestion.personal import NOBODY, NotErased
from ingestion.run import Run
from ingestion.streams import EVERYTHING, Stream, children_of
from ingestion.warehouse import connect

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
CONCERNS_ALL = (401, 429)  # refusals that are not one ticket's fault

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


@dataclass
class Asked:
    """The tickets whose entries were asked for, by what came of it."""

    answered: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a Freshservice account."""
    return run.settings.freshservice is not None


def sync(run: Run) -> list[Load]:
    """Land departments, the tickets that changed, and the entries of those that may be billed."""
    account = configured(run.settings.freshservice, *REQUIRES)
    client = open_client(NAME, account.base_url, run.settings, per_minute=PER_MINUTE)
    client.session.auth = (account.api_key, "X")
    with connect(run.settings) as warehouse:
        return [
            _land_departments(run, client, warehouse),
            _land_tickets(run, client, warehouse),
            _land_time_entries(run, client, warehouse),
        ]


def extract(client: Client, path: str, name: str, **parameters: Any) -> Iterator[Any]:
    """Yield the rows `name` of every page, as long as the Link header announces a next one.

    The page is counted here: a foreign URL in the header would be sent our key.
    """
    before: list[Any] = []
    for page in client.pages(path):
        answer = client.get(path, page=page, per_page=PAGE_SIZE, **parameters)
        body = client.parse(answer)
        if not isinstance(body, dict) or not isinstance(body.get(name), list):
            raise VendorError(f"freshservice: {path} answered without a list of {name}")
        if body[name] and body[name] == before:
            raise VendorError(f"freshservice: {path} gives page {page - 1} again as page {page}")
        before = body[name]
        yield from body[name]
        if not answer.has_next:
            return


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


def _land_tickets(run: Run, client: Client, warehouse: Connection) -> Load:
    """Land the tickets; the books hold from then on which of them owe their entries (R7a)."""
    calls, changed = client.calls, set()
    with open_load(warehouse, run.settings, TICKETS, loaded_at=run.loaded_at) as load:
        since = changed_since(None if run.full else load.cursor, run.loaded_at)
        for ticket in extract_tickets(client, since):
            load.add(ticket)
            identity = ticket.get("id") if isinstance(ticket, dict) else None
            if type(identity) is int and identity.bit_length() < 64:
                changed.add(str(identity))
        load.counts.api_calls = client.calls - calls
        load.also(lambda connection: owe(connection, TIME_ENTRIES, changed, run.loaded_at))
        load.complete(cursor=f"{run.loaded_at:%Y-%m-%dT%H:%M:%SZ}")
    return load


def _land_time_entries(run: Run, client: Client, warehouse: Connection) -> Load:
    """Land the entries of the tickets that owe theirs, and of those that are open.

    A ticket that gives no answer stays in the books and is asked last the next time, so it holds up
    nobody; where the vendor is the trouble, what it answered is landed and the source fails.
    """
    calls, asked = client.calls, Asked()
    keep = partial(settle, children=TIME_ENTRIES, failed=asked.failed, at=run.loaded_at)
    try:
        with open_load(warehouse, run.settings, TIME_ENTRIES, loaded_at=run.loaded_at) as load:
            trouble = _ask(client, load, _wanted(warehouse, load.cursor), asked)
            if trouble and not asked.answered:
                raise trouble
            load.counts.api_calls = client.calls - calls
            load.also(lambda connection: keep(connection, landed=asked.answered + asked.gone))
            load.complete(scope=children_of(asked.answered), cursor="[]")
    except LoadFailed:
        keep(warehouse, landed=())
        warehouse.commit()
        raise
    if trouble:
        raise LoadFailed(f"{NAME}: some tickets still owe their time entries. {trouble}")
    return load


def _ask(client: Client, load: Load, wanted: dict[str, bool], asked: Asked) -> VendorError | None:
    """Feed the load with the tickets' entries; return the error where the vendor is the trouble.

    Several failures in a row are, unless the tickets have failed before.
    """
    in_a_row = 0
    for ticket, has_failed in wanted.items():
        try:
            entries = extract_time_entries(client, int(ticket))
        except VendorError as error:
            if error.status == 404:
                asked.gone.append(ticket)
                continue
            asked.failed.append(ticket)
            load.reject(f"ticket {ticket}", str(error))
            in_a_row += 1
            if error.status in CONCERNS_ALL:
                return error
            if in_a_row >= MAX_FAILED_IN_A_ROW:
                return None if has_failed and asked.answered else error
            continue
        in_a_row = 0
        asked.answered.append(ticket)
        for entry in entries:
            load.add(entry)
    return None


def _wanted(warehouse: Connection, cursor: str | None) -> dict[str, bool]:
    """Return the tickets to ask, each with whether it has failed before: those come last."""
    owed = owing(warehouse, TIME_ENTRIES)
    fresh = dict.fromkeys([ticket for ticket, has_failed in owed.items() if not has_failed], False)
    fresh |= dict.fromkeys([key for key in _open_tickets(warehouse) if key not in owed], False)
    before = map(str, simplejson.loads(cursor or "[]"))  # an older version kept them there
    return fresh | dict.fromkeys([key for key in (*owed, *before) if key not in fresh], True)


def _open_tickets(warehouse: Connection) -> list[str]:
    rows = warehouse.execute(
        "select source_key from ("
        "  select distinct on (source_key) source_key, payload ->> 'status' as status"
        "  from landing.freshservice__tickets order by source_key, loaded_at desc"
        ") as latest where status not in (%s, %s) order by length(source_key), source_key",
        (str(RESOLVED), str(CLOSED)),
    ).fetchall()
    warehouse.commit()
    return [ticket for (ticket,) in rows if ticket.isdecimal()]
