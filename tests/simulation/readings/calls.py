"""Calls: what Invoca's rows say a call paid, after all corrections (SPEC D9)."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

import psycopg

from tests.simulation.readings.landed import landed, live, money


def read(connection: psycopg.Connection) -> dict[str, Decimal]:
    """Return what each call is booked at: nothing where a purchase of it was known (SPEC D10)."""
    versions = landed(connection, "invoca__transactions")
    rows = {
        key: found[-1]
        for key, found in versions.items()
        if found[-1][2]["transaction_type"].lower() == "call"
    }
    calls = defaultdict(list)
    for root, (_, row) in _latest_of_roots(rows).items():
        if row["complete_call_id"]:
            calls[row["complete_call_id"]].append((root, row))
    kinds = {
        row["campaign_id"]: row["kind"]
        for row in live(connection, "seeds__call_campaigns").values()
    }
    purchased = _purchased(connection)
    paid = {}
    for call, standing in calls.items():
        counted = [(_payin(row), root, row) for root, row in standing]
        known = [item for item in counted if item[0] is not None]
        if not known:
            continue
        payin, _, row = min(known, key=lambda item: (-item[0], item[1]))
        kind = kinds.get(row["advertiser_campaign_id"], "lead_call")
        if kind != "transfer":
            paid[call] = Decimal(0) if kind == "cbm" and call in purchased else payin
    return paid


def _purchased(connection: psycopg.Connection) -> set[str]:
    """Return the calls that some lead named while a purchase of it was known (SPEC D10)."""
    named = defaultdict(list)
    for lead, versions in landed(connection, "boberdoo__leads").items():
        call, ends = None, [at for at, *_ in versions[1:]] + [datetime.max]
        for (at, _, row), end in zip(versions, ends, strict=True):
            # What boberdoo blanks it still means (SPEC R10).
            call = row["lead_data"].get("call_id") or call
            named[lead].append((call, at, end))
    calls = set()
    for versions in landed(connection, "boberdoo__transactions").values():
        ends = [at for at, *_ in versions[1:]] + [datetime.max]
        for (at, is_deleted, row), end in zip(versions, ends, strict=True):
            if not is_deleted and (row["transaction_type"] or "").lower() == "purchase":
                calls |= {
                    call
                    for call, since, until in named[row["lead_id"]]
                    if call and since < end and at < until
                }
    return calls


def _latest_of_roots(rows: dict) -> dict:
    """Return of each original the correction that stands, whatever call it names."""
    latest = {}
    for key, (loaded_at, is_deleted, row) in rows.items():
        root = _root(key, rows)
        rank = (row["corrected_at"] or "", loaded_at, key)
        if not is_deleted and (root not in latest or rank > latest[root][0]):
            latest[root] = (rank, row)
    return latest


def _root(key: str, rows: dict) -> str:
    """Return the row that a chain of corrections begins with; it may never have been landed."""
    seen = {key}
    while key in rows and (before := rows[key][2]["corrects_transaction_id"]):
        if before in seen:
            break
        seen.add(key := before)
    return key


def _payin(row: dict) -> Decimal | None:
    text = row["advertiser_payin_localized"]
    return money(text) if text else Decimal(0)
