"""boberdoo: leads, who bought them, the sales ledger, refund reasons, CRM statuses, reference.

Every answer has status 200, and a rejected key looks like an empty list: an empty list is believed
only when a known lead, the canary, is found right after it. One row comes as an object, many as an
array, none as "". Money is in the transactions alone; one that is gone from a complete answer for
its window is an un-sale (SPEC D3).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date, timedelta
from typing import Any

import simplejson
from psycopg import Connection

from ingestion.environment import configured
from ingestion.fields import MONEY, TIME, need, spare
from ingestion.http import VendorError, open_client
from ingestion.loads import Load, open_load
from ingestion.owed import owe, owing, settle
from ingestion.personal import NOBODY, Personal
from ingestion.records import as_text
from ingestion.run import Run
from ingestion.sources.boberdoo_api import (
    Api,
    Row,
    ask,
    chunks,
    extract_crm_statuses,
    extract_refunds,
    extract_transactions,
    number_of,
    split_lead,
)
from ingestion.sources.boberdoo_leads import LeadKey, Reading, read_by_id, read_listed
from ingestion.streams import EVERYTHING, Stream, children_of, window
from ingestion.warehouse import connect

NAME = "boberdoo"
REQUIRES = (
    *("BOBERDOO_BASE_URL", "BOBERDOO_KEY"),
    *("BOBERDOO_CANARY_LEAD_ID", "BOBERDOO_LEAD_TYPES"),
)

PARTNERS = Stream(
    *(NAME, "partners", ("partner_id",)),
    personal=NOBODY,
    fields=spare("partner_name", why="it only names things"),
)
FILTER_SETS = Stream(NAME, "filter_sets", key=("filter_set_id",), personal=NOBODY)
LEADS = Stream(
    NAME,
    "leads",
    key=("lead_id",),
    personal=Personal(
        ("phone",), ("email",), kept=("src", "sub_id", "call_id"), within="lead_data"
    ),
    fields=(
        *need("lead_type"),
        *need("lead_date", form=TIME),
        *need("lead_data.src", may_be_blank=True),
        *spare("lead_data.phone", "lead_data.email", why="boberdoo blanks them after a while"),
        *spare("lead_data.sub_id", "lead_data.call_id", why="not every lead has one"),
    ),
)
# A lead is always answered with all its buyers: they may lose any share of their rows.
LEAD_PARTNERS = Stream(
    *(NAME, "lead_partners", ("lead_id", "position")),
    scope_field="lead_id",
    max_deleted_share=1.0,
    personal=NOBODY,
    fields=(
        *need("lead_id", "partner_id"),
        *spare("buyer_lead_ref", why="not every buyer gives one"),
    ),
)
TRANSACTIONS = Stream(
    *(NAME, "transactions", ("transaction_key",)),
    scope_field="transaction_date",
    personal=NOBODY,
    fields=(
        *need("transaction_type", "lead_id", "partner_id"),
        *need("filter_set_id", may_be_blank=True),
        *need("amount", form=MONEY),
        *need("transaction_date", form=TIME),
        *spare("lead_type", why="it only names things"),
    ),
)
REFUNDS = Stream(NAME, "refunds", key=("refund_key",), personal=NOBODY)
CRM_STATUSES = Stream(
    *(NAME, "crm_statuses", ("lead_id", "partner_id")),
    personal=NOBODY,
    fields=(
        *need("crm_lead_status", may_be_blank=True),
        *need("revenue", form=MONEY, may_be_blank=True),
    ),
)
STREAMS = [PARTNERS, FILTER_SETS, LEADS, LEAD_PARTNERS, TRANSACTIONS, REFUNDS, CRM_STATUSES]

# What of a transaction its lead and its buyers change with.
SALE_FIELDS = ("lead_type", "lead_id", "partner_id", "transaction_type")

Sale = tuple[str, ...]  # the SALE_FIELDS of a transaction


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a boberdoo account."""
    return run.settings.boberdoo is not None


def sync(run: Run) -> list[Load]:
    """Land all streams; what a sale needs to be understood comes before the sale."""
    settings = run.settings
    account = configured(settings.boberdoo, *REQUIRES)
    api = Api(open_client(NAME, account.base_url, settings), account)
    with connect(settings) as warehouse:
        return [
            _land_list(run, warehouse, api, PARTNERS, "getPartnerList", "partner"),
            _land_list(run, warehouse, api, FILTER_SETS, "getFilterSetsAll", "filter_set"),
            *_land_sales(run, api),
            _land_days(run, warehouse, api, REFUNDS, extract_refunds, account.transaction_days),
            _land_days(
                run, warehouse, api, CRM_STATUSES, extract_crm_statuses, account.status_days
            ),
        ]


def _land_list(
    run: Run, warehouse: Connection, api: Api, stream: Stream, action: str, item: str
) -> Load:
    with _open(run, warehouse, stream) as load:
        with _calls_counted(api, load):
            for row in ask(api, action, item):
                load.add(row)
        load.complete(scope=EVERYTHING if load.is_whole else None)
    return load


def _land_sales(run: Run, api: Api) -> list[Load]:
    """Land leads and their buyers, and then the transactions that name them.

    What is not landed is new again the next time, so a sale never lands before its lead was asked
    for (SPEC R7a). While transactions cannot be read, leads land all the same.
    """
    with ExitStack() as stack:
        leads, partners, transactions = (
            stack.enter_context(_open(run, stack.enter_context(connect(run.settings)), stream))
            for stream in (LEADS, LEAD_PARTNERS, TRANSACTIONS)
        )
        start, end = _window(run, api, transactions.cursor, api.account.transaction_days)
        reading, trouble = _reading(run, api, leads, partners, transactions), None
        with _calls_counted(api, leads, partners):
            _take_leads(read_listed(run, api, reading), reading, leads, partners)
        with _calls_counted(api, transactions):
            try:
                for since, until in chunks(start, end):
                    reading.ask_for(_take_transactions(api, transactions, since, until))
            except VendorError as error:
                trouble = error
        with _calls_counted(api, leads, partners):
            _take_leads(read_by_id(api, reading), reading, leads, partners)
        _complete_leads(run, reading, leads, partners)
        if trouble:
            raise trouble
        scope = window(f"{start} 00:00:00", f"{end} 00:00:00") if transactions.is_whole else None
        transactions.complete(scope=scope, cursor=str(run.loaded_at.date()))
    return [leads, partners, transactions]


def _reading(run: Run, api: Api, leads: Load, partners: Load, transactions: Load) -> Reading:
    """Return what is to be read: sales since the last landing, at first those of their window."""
    today, account = run.loaded_at.date(), api.account
    landed = {} if run.full or not leads.cursor else simplejson.loads(leads.cursor)
    since = today - timedelta(days=account.lead_days)
    if partners.cursor and transactions.cursor:
        since = min(since, date.fromisoformat(transactions.cursor))
    else:
        since = min(since, today - timedelta(days=account.transaction_days))
    reading = Reading(account.lead_types, landed, since)
    for parent, has_failed in owing(leads.connection, LEAD_PARTNERS).items():
        lead_type, lead_id = parent.rsplit(":", 1)
        reading.ask_for({(lead_type, lead_id)}, has_failed=has_failed)
    return reading


def _take_leads(
    rows: Iterable[tuple[str, Row]], reading: Reading, leads: Load, partners: Load
) -> None:
    """Feed both loads with leads and their buyers."""
    for lead_type, row in rows:
        number = number_of(row)
        reading.reached[lead_type] = max(number, reading.reached.get(lead_type, 0))
        try:
            lead, buyers = split_lead(row)
        except VendorError as error:
            leads.reject(as_text(row), str(error))
            continue
        leads.add(lead)
        partners.saw_parent(row, "matched_partners")
        for buyer in buyers:
            partners.add(buyer)
        if number:
            reading.parents.append(str(lead["lead_id"]))


def _complete_leads(run: Run, reading: Reading, leads: Load, partners: Load) -> None:
    """Complete both loads; the leads' cursor, and what is still owed, are kept last."""
    for key in sorted(reading.failed):
        leads.reject(f"lead {key[1]}", "boberdoo gives no answer for this lead")
    left = reading.by_id.keys() - reading.answered - reading.failed

    def keep(connection: Connection) -> None:
        owe(connection, LEAD_PARTNERS, map(":".join, left), run.loaded_at)
        settle(
            *(connection, LEAD_PARTNERS),
            landed=map(":".join, reading.answered),
            failed=map(":".join, reading.failed),
            at=run.loaded_at,
        )

    leads.judge()
    leads.also(keep)
    partners.complete(scope=children_of(reading.parents), cursor=str(run.loaded_at.date()))
    reached = {name: number for name, number in reading.reached.items() if number}
    leads.complete(cursor=simplejson.dumps(reached))


def _take_transactions(api: Api, load: Load, since: date, until: date) -> set[LeadKey]:
    """Feed the load with some days' transactions; return the leads of those that are not as landed.

    The first time none are named: all leads are read then.
    """
    answered: dict[str, Sale] = {}
    for row in extract_transactions(api, since, until):
        load.add(row)
        if isinstance(row, dict) and row.get("transaction_key"):
            sale = tuple(str(row.get(name) or "") for name in SALE_FIELDS)
            answered[str(row["transaction_key"])] = sale
    if not load.cursor:
        return set()
    landed = _landed_sales(
        load,
        "payload ->> 'transaction_date' >= %s and payload ->> 'transaction_date' < %s",
        *(f"{since} 00:00:00", f"{until} 00:00:00"),
    )
    landed |= _landed_sales(load, "source_key = any(%s)", list(answered.keys() - landed.keys()))
    changed = {
        sale
        for key in answered.keys() | landed.keys()
        if answered.get(key) != landed.get(key)
        for sale in (answered.get(key), landed.get(key))
        if sale
    }
    return {(lead_type, lead) for lead_type, lead, *_ in changed if number_of({"lead_id": lead})}


def _landed_sales(load: Load, condition: str, *parameters: Any) -> dict[str, Sale]:
    """Return the landed transactions that are there now, by key."""
    fields = ", ".join(f"coalesce(payload ->> '{name}', '')" for name in SALE_FIELDS)
    rows = load.connection.execute(
        f"select distinct on (source_key) source_key, is_deleted, {fields}"
        f" from landing.boberdoo__transactions where tenant = %s and {condition}"
        " order by source_key, loaded_at desc",
        (load.tenant, *parameters),
    ).fetchall()
    load.connection.commit()
    return {key: tuple(sale) for key, is_deleted, *sale in rows if not is_deleted}


def _land_days(
    run: Run,
    warehouse: Connection,
    api: Api,
    stream: Stream,
    extract: Callable[[Api, date, date], Iterable[Row]],
    days: int,
) -> Load:
    """Land the rows of the last `days`."""
    with _open(run, warehouse, stream) as load:
        start, end = _window(run, api, load.cursor, days)
        with _calls_counted(api, load):
            for row in extract(api, start, end):
                load.add(row)
        load.complete(cursor=str(run.loaded_at.date()))
    return load


def _open(run: Run, warehouse: Connection, stream: Stream) -> AbstractContextManager[Load]:
    return open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at)


@contextmanager
def _calls_counted(api: Api, *loads: Load) -> Iterator[None]:
    before = api.client.calls
    try:
        yield
    finally:
        for load in loads:
            load.counts.api_calls += api.client.calls - before


def _window(run: Run, api: Api, cursor: str | None, days: int) -> tuple[date, date]:
    """Return the days to read, in any portal's zone: the last `days`, or all since the cursor."""
    today = run.loaded_at.date()
    since = today
    if run.full or not cursor:
        days = max(days, api.account.history_days)
    else:
        since = date.fromisoformat(cursor)
    return min(since, today - timedelta(days=days)), today + timedelta(days=2)
