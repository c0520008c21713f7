"""What is landed, read plainly: the versions of a stream, and money as a person reads it."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import psycopg

Row = dict[str, Any]
# Entry key -> (account, business unit, amount) of what must stand in the ledger now.
Standing = dict[str, tuple[str, str, Decimal]]

CENT = Decimal("0.01")
# What a record says of money must never get lost because its vendor renamed a field: a version
# that lacks one of these says nothing, and the one before it holds (SPEC R11).
SAYING = {
    "boberdoo__transactions": ("amount", "partner_id", "lead_id", "transaction_type"),
    "invoca__transactions": (
        "advertiser_payin_localized",
        "advertiser_campaign_id",
        "complete_call_id",
        "transaction_type",
    ),
}


def cents(amount: Decimal) -> Decimal:
    """Round half up to cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def landed(connection: psycopg.Connection, table: str) -> dict[str, list[tuple]]:
    """Return every landed version by key, oldest first: (loaded_at, is_deleted, payload)."""
    versions, saying = defaultdict(list), set(SAYING.get(table, ()))
    for key, *version in connection.execute(
        f"select source_key, loaded_at, is_deleted, payload from landing.{table} order by loaded_at"
    ):
        if saying <= version[-1].keys():
            versions[key].append(tuple(version))
    return versions


def live(connection: psycopg.Connection, table: str) -> dict[str, Row]:
    """Return the payload of every key that is there now."""
    return {
        key: versions[-1][2]
        for key, versions in landed(connection, table).items()
        if not versions[-1][1]
    }


def money(text: str | None) -> Decimal | None:
    """Return the amount of a text with marks and commas; None where it is none."""
    plain = (text or "").replace("$", "").replace(",", "").strip()
    try:
        return cents(Decimal(plain.strip("()"))) * (-1 if plain.startswith("(") else 1)
    except InvalidOperation:
        return None
