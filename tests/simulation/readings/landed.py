"""What is landed, read plainly: the versions of a stream, and money as a person reads it."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import psycopg

Row = dict[str, Any]
# Entry key -> (account, amount) of what must stand in the ledger now.
Standing = dict[str, tuple[str, Decimal]]

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round half up to cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def landed(connection: psycopg.Connection, table: str) -> dict[str, list[tuple]]:
    """Return every landed version by key, oldest first: (loaded_at, is_deleted, payload)."""
    versions = defaultdict(list)
    for key, *version in connection.execute(
        f"select source_key, loaded_at, is_deleted, payload from landing.{table} order by loaded_at"
    ):
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
