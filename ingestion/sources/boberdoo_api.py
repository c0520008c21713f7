"""boberdoo's API: one envelope for all actions, and what it answers as rows.

Every answer has status 200, and a rejected key looks like an empty list: an empty list is believed
only when a known lead, the canary, is found right after it. One row comes as an object, many as an
array, none as "".
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ingestion.http import Client, VendorError
from ingestion.records import as_text
from ingestion.sources.boberdoo_account import Boberdoo

NAME = "boberdoo"
PATH = "/new_api/api.php"
CHUNK_DAYS = 7
PAGE_ROWS = 100
PORTAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
MOST_DIGITS = 18

Row = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """The account and the connection to it."""

    client: Client
    account: Boberdoo


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
        raise VendorError(f"{NAME}: {action} answered {as_text(errors)[:300]}")
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


def extract_leads(
    api: Api, action: str, lead_type: str, after: int, **fields: Any
) -> Iterator[Row]:
    """Yield the leads of one type above the id `after`, page by page up to an empty page."""
    for _ in api.client.pages(action):
        page = ask(api, action, "lead", Lead_Type=lead_type, Last_Lead_ID=after, **fields)
        if not page:
            return
        highest = max((number_of(lead) for lead in page), default=0)
        is_last = not highest and len(page) < PAGE_ROWS  # of rows without an id
        if highest <= after and not is_last:
            raise VendorError(f"{NAME}: {action} does not go on after lead {after}")
        after = highest
        for lead in page:
            yield with_type(lead, lead_type)
        if is_last:
            return


def extract_lead(api: Api, lead_type: str, lead_id: str) -> Iterator[Row]:
    """Yield one lead, if it is there."""
    for lead in ask(api, "getLeadDetails", "lead", Lead_Type=lead_type, Lead_ID=lead_id):
        yield with_type(lead, lead_type)


def with_type(lead: Any, lead_type: str) -> Any:
    """Return the lead with the type that it was asked for by."""
    return {"lead_type": lead_type} | lead if isinstance(lead, dict) else lead


def chunks(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield `[start, end)` in parts that one answer can hold."""
    while start < end:
        until = min(start + timedelta(days=CHUNK_DAYS), end)
        yield start, until
        start = until


def extract_transactions(api: Api, start: date, end: date) -> list[Row]:
    """Return the complete sales ledger of `[start, end)`, asked a day wider.

    A row without a transaction id is keyed by lead, partner, type, second and a number, by amount
    and then the answer's order (golden/deals NOTES E1). A row without a readable time is kept.
    """
    rows = ask(api, "getTransactionDetails", "transaction", **dates(start, end))
    inside = [row for row in rows if _is_inside(row, start, end)]
    return list(with_keys(inside, "transaction_key", "transaction_date", "amount"))


def extract_refunds(api: Api, start: date, end: date) -> Iterator[Row]:
    """Yield refunds with their reasons and decisions; they have no id."""
    rows = ask(api, "getAllRefunds", "refund", **dates(start, end))
    yield from with_keys(rows, "refund_key", "refund_date", "refund_amount")


def extract_crm_statuses(api: Api, start: date, end: date) -> Iterator[Row]:
    """Yield what each buyer's CRM says of each lead of `[start, end)`."""
    for lead_type in api.account.lead_types:
        leads = extract_leads(api, "getLeadsCRMStatus", lead_type, 0, **dates(start, end))
        for lead in leads:
            try:
                _, partners = split_lead(lead)
            except VendorError:
                yield lead  # without a partner it is quarantined
                continue
            for partner in partners:
                yield partner | {"lead_date": lead.get("lead_date")}


def split_lead(lead: Any) -> tuple[Any, list[Row]]:
    """Return the lead with `lead_data` as one object, and its buyers as rows of their own."""
    if not isinstance(lead, dict):
        return lead, []
    partners = as_list(lead.get("matched_partners"), "partner")
    if not all(isinstance(partner, dict) for partner in partners):
        raise VendorError(f"{NAME}: a partner of a lead is no JSON object")
    data = lead.get("lead_data") or {}
    data = {"lead_data": data[0] if isinstance(data, list) else data} if "lead_data" in lead else {}
    lead = {name: value for name, value in lead.items() if name != "matched_partners"}
    shared = {"lead_id": lead.get("lead_id"), "lead_type": lead.get("lead_type")}
    return (
        lead | data,
        [shared | {"position": n} | row for n, row in enumerate(partners, start=1)],
    )


def with_keys(rows: Iterable[Any], key: str, time: str, amount: str) -> Iterator[Any]:
    """Yield the rows with `key`: the vendor's id, else what tells a row apart and a number."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if isinstance(row, dict) and not row.get("transaction_id") and row.get("lead_id"):
            kind = str(row.get("transaction_type") or "refund").lower()
            second = re.sub(r"[-:]", "", str(row.get(time) or "")).replace(" ", "T") + "Z"
            parts = (str(row["lead_id"]), str(row.get("partner_id") or ""), kind, second)
            groups[":".join(parts)].append(row)
        elif isinstance(row, dict):
            yield {key: row.get("transaction_id")} | row
        else:
            yield row
    for identity, twins in groups.items():
        ordered = sorted(twins, key=lambda row: _money(row.get(amount)))
        for number, row in enumerate(ordered, start=1):
            yield {key: f"{identity}:{number}"} | row


def dates(start: date, end: date) -> dict[str, str]:
    """Return the date fields of `[start, end)`, wider by the day that the vendor drops rows of."""
    return {"Date_Start": str(start - timedelta(days=1)), "Date_End": str(end)}


def _is_inside(row: Row, start: date, end: date) -> bool:
    time = row.get("transaction_date") if isinstance(row, dict) else None
    if not isinstance(time, str) or not PORTAL_TIME.fullmatch(time):
        return True
    return f"{start} 00:00:00" <= time < f"{end} 00:00:00"


def number_of(lead: Any) -> int:
    """Return a lead's id as a number, 0 where it is none."""
    text = str(lead.get("lead_id")) if isinstance(lead, dict) else ""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else 0


def _money(text: Any) -> Decimal:
    digits = re.sub(r"[^0-9.]", "", str(text))
    sign = -1 if re.match(r"\s*[-(]", str(text)) else 1
    return sign * Decimal(digits) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", digits) else Decimal(0)
