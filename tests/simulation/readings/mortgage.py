"""Mortgage leads, priced by the rows that are known now (SPEC L11-L14)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg

from tests.simulation.readings.landed import Row, Standing, cents, landed, live

DELIVERIES = {
    "professional": "professional_deliveries",
    "construction": "construction_deliveries",
    "hard_money": "hard_money_deliveries",
    "land": "land_deliveries",
}
FIRST_DAY = datetime(2025, 1, 1)
MOST_DAYS = timedelta(days=370)


def deliveries(connection: psycopg.Connection) -> Standing:
    """Price every mortgage lead by the rows known now (SPEC L11-L14)."""
    prices = live(connection, "billing_db__product_prices").values()
    plans = live(connection, "billing_db__subscription_plans").values()
    standing = {}
    for product, table in DELIVERIES.items():
        for key, versions in landed(connection, f"billing_db__{table}").items():
            first, (_, is_deleted, row) = versions[0][0], versions[-1]
            amount = None if is_deleted else _price(row, product, first, prices, plans)
            if amount is not None:
                account = f"broker:{row['mortgage_broker_id']}"
                standing[f"mortgage:{product}:{key}"] = (account, "leads", amount)
    return standing


def _price(
    row: Row, product: str, first: datetime, prices: Iterable[Row], plans: Iterable[Row]
) -> Decimal | None:
    if not row["delivered_at"] or row["mortgage_broker_id"] is None:
        return None
    at = datetime.fromisoformat(row["delivered_at"])
    if at < FIRST_DAY or at < first - MOST_DAYS:
        return None
    ruling = _latest((price for price in prices if price["product"] == product), "effective_at", at)
    if not ruling or ruling["price"] is None or Decimal(str(ruling["price"])) < 0:
        return None
    amount = cents(Decimal(str(ruling["price"])))
    plan = _latest(
        (
            plan
            for plan in plans
            if plan["mortgage_broker_id"] == row["mortgage_broker_id"]
            and not (plan["ended_at"] and datetime.fromisoformat(plan["ended_at"]) <= at)
        ),
        "started_at",
        at,
    )
    if not plan:
        return amount
    if plan["discount_type"] not in ("percent", "amount") or plan["discount_value"] is None:
        return None
    value = Decimal(str(plan["discount_value"]))
    discount = cents(amount * value / 100 if plan["discount_type"] == "percent" else value)
    return amount - min(max(discount, Decimal(0)), amount)


def _latest(rows: Iterable[Row], name: str, at: datetime) -> Row | None:
    known = [row for row in rows if row[name] and datetime.fromisoformat(row[name]) <= at]
    return max(known, key=lambda row: (datetime.fromisoformat(row[name]), row["id"]), default=None)
