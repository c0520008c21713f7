"""boberdoo: leads, who bought them, the sales ledger, refund reasons, CRM statuses, reference.

Every answer has status 200, and a rejected key looks like an empty list: an empty list is believed
only when a known lead, the canary, is found right after it. One row comes as an object, many as an
array, none as "". Money is in the transactions alone; one that is gone from a complete answer for
its window is an un-sale (SPEC D3).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import simplejson

from ingestion.erasure import NOBODY, Personal
from ingestion.fields import MONEY, TIME, need, spare
from ingestion.http import Client, VendorError, open_client
from ingestion.landing import EVERYTHING, Load, Stream, children_of, open_load, window
from ingestion.run import Run
from ingestion.settings import Boberdoo
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

PATH = "/new_api/api.php"
CHUNK_DAYS = 7
PORTAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

Row = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """The account and the connection to it."""

    client: Client
    account: Boberdoo


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a boberdoo account."""
    return run.settings.boberdoo is not None


def sync(run: Run) -> list[Load]:
    """Land all streams; what a sale needs to be understood comes before the sale."""
    account, settings = run.settings.boberdoo, run.settings
    api = Api(open_client(NAME, account.base_url, settings), account)
    with connect(settings) as warehouse:
        return [
            _land_list(run, warehouse, api, PARTNERS, "getPartnerList", "partner"),
            _land_list(run, warehouse, api, FILTER_SETS, "getFilterSetsAll", "filter_set"),
            *_land_leads(run, warehouse, api),
            *(
                _land_days(run, warehouse, api, stream, extract, days)
                for stream, extract, days in (
                    (TRANSACTIONS, extract_transactions, account.transaction_days),
                    (REFUNDS, extract_refunds, account.transaction_days),
                    (CRM_STATUSES, extract_crm_statuses, account.status_days),
                )
            ),
        ]


def ask(api: Api, action: str, item: str, **fields: Any) -> list[Row]:
    """Return the rows of one answer, its collection `<item>s`.

    Raises VendorError for an error, an unknown shape, and an empty answer without the canary.
    """
    rows = _ask(api, action, item, fields)
    lead_type, lead_id = api.account.lead_types[0], api.account.canary_lead_id
    canary = {"Lead_Type": lead_type, "Lead_ID": lead_id}
    if not rows and not _ask(api, "getLeadDetails", "lead", canary):
        raise VendorError(
            f"{NAME}: {action} answered nothing, and not even lead {lead_id} is found. The key is "
            "rejected, this address is blocked, or BOBERDOO_CANARY_LEAD_ID is wrong."
        )
    return rows


def _ask(api: Api, action: str, item: str, fields: Row) -> list[Row]:
    form = {"Key": api.account.key, "API_Action": action, "Format": "json"} | fields
    answer = api.client.parse(api.client.request("POST", PATH, data=form))
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise VendorError(f"{NAME}: {action} answered without a response")
    errors = response.get("errors") or response.get("error")
    if errors:
        raise VendorError(f"{NAME}: {action} answered {simplejson.dumps(errors)[:300]}")
    if f"{item}s" not in response:
        raise VendorError(f"{NAME}: {action} answered without {item}s")
    return as_list(response[f"{item}s"], item)


def as_list(collection: Any, item: str) -> list[Row]:
    """Return the rows of a collection: one comes as an object, many as an array, none as ""."""
    if not collection:
        return []
    if not isinstance(collection, dict) or item not in collection:
        raise VendorError(f"{NAME}: a list of {item} has an unknown shape")
    rows = collection[item]
    return rows if isinstance(rows, list) else [rows] if rows else []


def extract_leads(api: Api, action: str, lead_type: str, after: int, **dates: str) -> Iterator[Row]:
    """Yield the leads of one type above the id `after`, page by page up to an empty page."""
    while page := ask(api, action, "lead", Lead_Type=lead_type, Last_Lead_ID=after, **dates):
        highest = max((_number(lead) for lead in page), default=0)
        if highest <= after:
            raise VendorError(f"{NAME}: {action} does not go on after lead {after}")
        after = highest
        for lead in page:
            yield {"lead_type": lead_type} | lead if isinstance(lead, dict) else lead


def extract_transactions(api: Api, start: date, end: date) -> Iterator[Row]:
    """Yield the complete sales ledger of `[start, end)`, in chunks asked a day wider.

    A row without a transaction id is keyed by lead, partner, type, second and a number, by amount
    and then the answer's order (golden/deals NOTES E1). A row without a readable time is kept.
    """
    while start < end:
        until = min(start + timedelta(days=CHUNK_DAYS), end)
        rows = ask(api, "getTransactionDetails", "transaction", **_dates(start, until))
        inside = [row for row in rows if _is_inside(row, start, until)]
        yield from with_keys(inside, "transaction_key", "transaction_date", "amount")
        start = until


def extract_refunds(api: Api, start: date, end: date) -> Iterator[Row]:
    """Yield refunds with their reasons and decisions; they have no id."""
    rows = ask(api, "getAllRefunds", "refund", **_dates(start, end))
    yield from with_keys(rows, "refund_key", "refund_date", "refund_amount")


def extract_crm_statuses(api: Api, start: date, end: date) -> Iterator[Row]:
    """Yield what each buyer's CRM says of each lead of `[start, end)`."""
    for lead_type in api.account.lead_types:
        leads = extract_leads(api, "getLeadsCRMStatus", lead_type, 0, **_dates(start, end))
        for lead in leads:
            try:
                _, partners = split_lead(lead)
            except VendorError:
                yield lead  # without a partner it is quarantined
                continue
            for partner in partners:
                yield partner | {"lead_date": lead.get("lead_date")}


def split_lead(lead: Row) -> tuple[Row, list[Row]]:
    """Return the lead with `lead_data` as one object, and its buyers as rows of their own."""
    if not isinstance(lead, dict):
        return lead, []
    partners = as_list(lead.get("matched_partners"), "partner")
    data = lead.get("lead_data") or {}
    data = {"lead_data": data[0] if isinstance(data, list) else data} if "lead_data" in lead else {}
    lead = {name: value for name, value in lead.items() if name != "matched_partners"}
    shared = {"lead_id": lead.get("lead_id"), "lead_type": lead.get("lead_type")}
    return (
        lead | data,
        [shared | {"position": n} | row for n, row in enumerate(partners, start=1)],
    )


def with_keys(rows: Iterable[Row], key: str, time: str, amount: str) -> Iterator[Row]:
    """Yield the rows with `key`: the vendor's id, else what tells a row apart and a number."""
    groups = defaultdict(list)
    for row in rows:
        if isinstance(row, dict) and not row.get("transaction_id") and row.get("lead_id"):
            kind = str(row.get("transaction_type") or "refund").lower()
            second = re.sub(r"[-:]", "", str(row.get(time) or "")).replace(" ", "T") + "Z"
            identity = (str(row["lead_id"]), str(row.get("partner_id") or ""), kind, second)
            groups[":".join(identity)].append(row)
        elif isinstance(row, dict):
            yield {key: row.get("transaction_id")} | row
        else:
            yield row
    for identity, twins in groups.items():
        ordered = sorted(twins, key=lambda row: _money(row.get(amount)))
        for number, row in enumerate(ordered, start=1):
            yield {key: f"{identity}:{number}"} | row


def _land_list(
    run: Run, warehouse: psycopg.Connection, api: Api, stream: Stream, action: str, item: str
) -> Load:
    with _open(run, warehouse, api, stream) as load:
        for row in ask(api, action, item):
            load.add(row)
        _complete(load, api, scope=EVERYTHING)
    return load


def _land_leads(run: Run, warehouse: psycopg.Connection, api: Api) -> list[Load]:
    """Land leads and their buyers from the same pages; the leads' cursor moves last."""
    with (
        connect(run.settings) as second,
        _open(run, second, api, LEADS) as leads,
        _open(run, warehouse, api, LEAD_PARTNERS) as partners,
    ):
        landed = {} if run.full or not leads.cursor else simplejson.loads(leads.cursor)
        reached, parents = dict(landed), []
        for row in _new_and_recent(run, api, landed):
            if number := _number(row):
                reached[row["lead_type"]] = max(number, reached.get(row["lead_type"], 0))
            try:
                lead, buyers = split_lead(row)
            except VendorError as error:
                leads.reject(simplejson.dumps(row), str(error))
                continue
            leads.add(lead)
            for buyer in buyers:
                partners.add(buyer)
            if number:
                parents.append(str(lead["lead_id"]))
        leads.judge()
        _complete(partners, api, scope=children_of(parents))
        _complete(leads, api, cursor=simplejson.dumps(reached))
    return [leads, partners]


def _new_and_recent(run: Run, api: Api, landed: dict[str, int]) -> Iterator[Row]:
    """Yield leads above the cursor, then again those of the last days, each lead once."""
    today = run.loaded_at.date()
    recent = _dates(today - timedelta(days=api.account.lead_days), today + timedelta(days=1))
    for lead_type in api.account.lead_types:
        cursor = landed.get(lead_type, 0)
        yield from extract_leads(api, "getLeadDetails", lead_type, cursor)
        if cursor:
            for lead in extract_leads(api, "getLeadDetails", lead_type, 0, **recent):
                if _number(lead) <= cursor:
                    yield lead


def _land_days(
    run: Run,
    warehouse: psycopg.Connection,
    api: Api,
    stream: Stream,
    extract: Callable[[Api, date, date], Iterable[Row]],
    days: int,
) -> Load:
    """Land the rows of the last `days`; what is missing from them is gone if there is a scope."""
    with _open(run, warehouse, api, stream) as load:
        start, end = _window(run, load.cursor, days)
        for row in extract(api, start, end):
            load.add(row)
        scope = window(f"{start} 00:00:00", f"{end} 00:00:00") if stream.scope_field else None
        _complete(load, api, scope=scope, cursor=str(run.loaded_at.date()))
    return load


def _open(run: Run, warehouse: psycopg.Connection, api: Api, stream: Stream) -> Any:
    api.client.calls = 0
    return open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at)


def _complete(load: Load, api: Api, **arguments: Any) -> None:
    load.counts.api_calls = api.client.calls
    load.complete(**arguments)


def _window(run: Run, cursor: str | None, days: int) -> tuple[date, date]:
    """Return the days to read, in any portal's zone: the last `days`, or all since the cursor."""
    today = run.loaded_at.date()
    is_first = run.full or not cursor
    days = max(days, run.settings.boberdoo.history_days) if is_first else days
    since = today if is_first else date.fromisoformat(cursor)
    return min(since, today - timedelta(days=days)), today + timedelta(days=2)


def _dates(start: date, end: date) -> dict[str, str]:
    """Return the date fields of `[start, end)`, wider by the day that the vendor drops rows of."""
    return {"Date_Start": str(start - timedelta(days=1)), "Date_End": str(end)}


def _is_inside(row: Row, start: date, end: date) -> bool:
    time = row.get("transaction_date") if isinstance(row, dict) else None
    if not isinstance(time, str) or not PORTAL_TIME.fullmatch(time):
        return True
    return f"{start} 00:00:00" <= time < f"{end} 00:00:00"


def _number(lead: Row) -> int:
    text = str(lead.get("lead_id")) if isinstance(lead, dict) else ""
    return int(text) if text.isdecimal() else 0


def _money(text: Any) -> Decimal:
    digits = re.sub(r"[^0-9.]", "", str(text))
    sign = -1 if re.match(r"\s*[-(]", str(text)) else 1
    return sign * Decimal(digits) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", digits) else Decimal(0)
