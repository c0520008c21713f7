"""Sales, refunds and conversions of leads, as boberdoo, terms and dispositions are known now."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

import psycopg

from tests.simulation.readings.dispositions import Event, matched
from tests.simulation.readings.landed import Row, Standing, cents, landed, live, money

PAID_ON_CONVERSION = ("cpa", "cpt", "warm_transfer")  # where `paid_on` does not say it


@dataclass
class Reading:
    """What must stand, and the keys whose rule is not simple: of these nothing is said."""

    standing: Standing = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)


@dataclass
class Deals:
    """What is agreed: partners' terms, and how each type of deal is paid, by its name."""

    terms: list[Row]
    types: dict[str, Row]

    def unit(self, name: str) -> str:
        """Return the business unit that a type of deal belongs to now."""
        return self.types[name]["business_unit"]

    def is_paid_on_conversion(self, name: str) -> bool:
        """Tell whether a sale of this type is paid for what becomes of it (SPEC D4a)."""
        return name in self.types and (
            self.types[name]["paid_on"] == "conversion"
            or (not self.types[name]["paid_on"] and name in PAID_ON_CONVERSION)
        )


def read(connection: psycopg.Connection) -> Reading:
    """Read sales, refunds and conversions of everything landed."""
    reading, deals = Reading(), _deals(connection)
    rows = {key: versions[-1] for key, versions in _transactions(connection).items()}
    linked = {
        key
        for key, versions in landed(connection, "boberdoo__leads").items()
        if any("call_id" in row["lead_data"] for _, _, row in versions)
    }
    _read_sales(reading, rows, deals, linked)
    _read_refunds(reading, rows, deals)
    _read_conversions(reading, connection, rows, deals, linked)
    return reading


def _deals(connection: psycopg.Connection) -> Deals:
    types = live(connection, "seeds__deal_types").values()
    return Deals(
        list(live(connection, "seeds__deal_terms").values()),
        {row["deal_type"]: row for row in types if row["business_unit"]},
    )


def _transactions(connection: psycopg.Connection) -> dict[str, list[tuple]]:
    return landed(connection, "boberdoo__transactions")


def _kind(row: Row) -> str:
    return (row["transaction_type"] or "").lower()


def _read_sales(reading: Reading, rows: dict, deals: Deals, linked: set[str]) -> None:
    for key, (_, is_deleted, row) in rows.items():
        if _kind(row) != "purchase" or is_deleted:
            continue
        amount, deal = money(row["amount"]), _deal(row, deals.terms)[0]
        if row["lead_id"] in linked:
            reading.unsaid.add(f"boberdoo:{key}")
        elif row["partner_id"] and row["lead_id"] and amount is not None and deal in deals.types:
            account = f"partner:{row['partner_id']}"
            reading.standing[f"boberdoo:{key}"] = (account, deals.unit(deal), amount)


def _deal(row: Row, terms: list[Row]) -> tuple[str, Row | None]:
    """Return a sale's deal type and terms: of its filter set, else of all (SPEC D1)."""
    day = row["transaction_date"]
    for filter_set in dict.fromkeys((row["filter_set_id"] or None, None)):
        ruling = [
            known
            for known in terms
            if known["partner_id"] == row["partner_id"]
            and known["filter_set_id"] == filter_set
            and (known["effective_from"] or "") <= day
            and day < (known["effective_to"] or "9999")
        ]
        if ruling:
            latest = max(ruling, key=lambda known: known["effective_from"] or "")
            return latest["deal_type"], latest
    return "plain_lead", None


def _read_refunds(reading: Reading, rows: dict, deals: Deals) -> None:
    """Take refunds off the sale before them, in order, until nothing is left of it (SPEC D3).

    The refunds of a sale whose type of deal nobody knows wait with it.
    """
    sold, left = defaultdict(list), {}
    for key, (_, is_deleted, row) in rows.items():
        if _kind(row) == "purchase" and row["lead_id"] and row["partner_id"]:
            sold[row["lead_id"], row["partner_id"]].append((row["transaction_date"], key))
            left[key] = Decimal(0) if is_deleted else money(row["amount"]) or Decimal(0)
    given = sorted(
        (row["transaction_date"], key)
        for key, (_, is_deleted, row) in rows.items()
        if _kind(row) == "refund" and not is_deleted and row["lead_id"] and row["partner_id"]
    )
    for at, key in given:
        row = rows[key][2]
        before = [sale for sale in sold[row["lead_id"], row["partner_id"]] if sale[0] <= at]
        amount = money(row["amount"])
        if not before or amount is None:
            continue
        sale = max(before, key=lambda known: (known[0], f"boberdoo:{known[1]}"))[1]
        if f"boberdoo:{sale}" in reading.unsaid:
            reading.unsaid.add(f"boberdoo:{key}")
            continue
        deal = _deal(rows[sale][2], deals.terms)[0]
        within = max(min(abs(amount), left[sale]), Decimal(0))
        left[sale] -= within
        if within and deal in deals.types:
            account = f"partner:{row['partner_id']}"
            reading.standing[f"boberdoo:{key}"] = (account, deals.unit(deal), -within)


def _read_conversions(
    reading: Reading, connection: psycopg.Connection, rows: dict, deals: Deals, linked: set[str]
) -> None:
    sales = defaultdict(list)
    for key, (_, is_deleted, row) in rows.items():
        if _kind(row) == "purchase" and not is_deleted and row["lead_id"] and row["partner_id"]:
            sales[row["lead_id"], row["partner_id"]].append((row["transaction_date"], key, row))
    events, unsaid = matched(connection, sales)
    for pair in {*events, *unsaid, *sales}:
        key = f"conversion:{pair[0]}:{pair[1]}"
        bought = [
            _deal(row, deals.terms) for _, _, row in sorted(sales[pair], key=lambda sale: sale[:2])
        ]
        paid = [deal for deal in bought if deals.is_paid_on_conversion(deal[0])]
        is_by_call = any(
            deal[0] == "cpt" and deal[1]["rate_basis"] == "per_transfer" for deal in paid
        )
        if (
            pair in unsaid
            or pair[0] in linked
            or is_by_call
            or any(deal[0] not in deals.types for deal in bought)
        ):
            reading.unsaid.add(key)
        elif paid and (run := _last_run(events[pair])):
            amount = _amount(paid[0][1], run)
            if amount is not None:
                unit = deals.unit(paid[0][0])
                reading.standing[key] = (f"partner:{pair[1]}", unit, amount)


def _amount(terms: Row, run: list[Event]) -> Decimal | None:
    """Return what a conversion pays by its terms; None where these do not say it (SPEC D4)."""
    values = [event.value for event in run if event.value is not None]
    if terms["rate"] is None or not terms["rate_basis"]:
        return None
    if terms["rate_basis"] != "percent_of_value":
        return cents(Decimal(terms["rate"]))
    return cents(values[-1] * Decimal(terms["rate"]) / 100) if values else None


def _last_run(events: list[Event]) -> list[Event]:
    """Return the converting events after the last that undid them."""
    run: list[Event] = []
    for event in sorted(events, key=lambda event: event.order):
        if event.status == "sold":
            run.append(event)
        elif event.status in ("lost", "rescinded", "bad_data", "duplicate"):
            run = []
    return run
