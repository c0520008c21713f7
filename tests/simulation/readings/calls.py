"""Calls: what Invoca's rows say a call paid, after all corrections (SPEC D9)."""

from collections import defaultdict
from decimal import Decimal

import psycopg

from tests.simulation.readings.landed import landed, live, money


def read(connection: psycopg.Connection) -> dict[str, Decimal]:
    """Return the payin of every call that no sale and no campaign of another kind pays for."""
    versions = landed(connection, "invoca__transactions")
    rows = {key: found[-1] for key, found in versions.items() if not found[-1][1]}
    calls = defaultdict(dict)
    for key, (loaded_at, _, row) in rows.items():
        if row["transaction_type"].lower() == "call" and row["complete_call_id"]:
            calls[row["complete_call_id"]][key] = (loaded_at, row)
    kinds = {
        row["campaign_id"]: row["kind"]
        for row in live(connection, "seeds__call_campaigns").values()
    }
    named = {
        row["lead_data"].get("call_id")
        for found in landed(connection, "boberdoo__leads").values()
        for _, _, row in found
    }
    paid = {}
    for call, parts in calls.items():
        latest = {}
        for key, (loaded_at, row) in parts.items():
            root = _root(key, parts)
            rank = (row["corrected_at"] or "", loaded_at, key)
            if root not in latest or rank > latest[root][0]:
                latest[root] = (rank, row)
        counted = [(_payin(row), root, row) for root, (_, row) in latest.items()]
        known = [item for item in counted if item[0] is not None]
        if not known:
            continue
        payin, _, row = min(known, key=lambda item: (-item[0], item[1]))
        kind = kinds.get(row["advertiser_campaign_id"], "lead_call")
        if kind == "transfer" or (kind == "cbm" and call in named):
            continue
        paid[call] = payin
    return paid


def _root(key: str, parts: dict) -> str:
    """Return the row that a chain of corrections begins with; it may never have been landed."""
    seen = {key}
    while key in parts and (before := parts[key][1]["corrects_transaction_id"]):
        if before in seen:
            break
        seen.add(key := before)
    return key


def _payin(row: dict) -> Decimal | None:
    text = row["advertiser_payin_localized"]
    return money(text) if text else Decimal(0)
