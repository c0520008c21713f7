"""Sales, refunds and conversions of leads, as boberdoo, terms and dispositions are known now."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import psycopg

from tests.simulation.readings.landed import Row, Standing, cents, landed, live, money

PAID_ON_CONVERSION = ("cpa", "cpt", "warm_transfer")
DEAL_TYPES = (*PAID_ON_CONVERSION, "plain_lead", "drip", "mortgage_lead")
AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")
Pair = tuple[str, str]


@dataclass
class Reading:
    """What must stand, and the keys whose rule is not simple: of these nothing is said."""

    standing: Standing = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)


def read(connection: psycopg.Connection) -> Reading:
    """Read sales, refunds and conversions of everything landed."""
    reading, terms = Reading(), list(live(connection, "seeds__deal_terms").values())
    rows = {key: versions[-1] for key, versions in _transactions(connection).items()}
    linked = {
        key
        for key, versions in landed(connection, "boberdoo__leads").items()
        if any("call_id" in row["lead_data"] for _, _, row in versions)
    }
    _read_sales(reading, rows, terms, linked)
    _read_refunds(reading, rows)
    _read_conversions(reading, connection, rows, terms, linked)
    return reading


def _transactions(connection: psycopg.Connection) -> dict[str, list[tuple]]:
    return landed(connection, "boberdoo__transactions")


def _kind(row: Row) -> str:
    return (row["transaction_type"] or "").lower()


def _read_sales(reading: Reading, rows: dict, terms: list[Row], linked: set[str]) -> None:
    for key, (_, is_deleted, row) in rows.items():
        if _kind(row) != "purchase" or is_deleted:
            continue
        amount = money(row["amount"])
        if row["lead_id"] in linked or _deal(row, terms)[0] not in DEAL_TYPES:
            reading.unsaid.add(f"boberdoo:{key}")
        elif row["partner_id"] and row["lead_id"] and amount is not None:
            reading.standing[f"boberdoo:{key}"] = (f"partner:{row['partner_id']}", amount)


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


def _read_refunds(reading: Reading, rows: dict) -> None:
    """Take refunds off the sale before them, in order, until nothing is left of it (SPEC D3)."""
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
        within = max(min(abs(amount), left[sale]), Decimal(0))
        left[sale] -= within
        if within:
            reading.standing[f"boberdoo:{key}"] = (f"partner:{row['partner_id']}", -within)


@dataclass
class Event:
    """A disposition that was matched: when, in which order, and what it said."""

    order: tuple
    status: str
    at: datetime
    value: Decimal | None


def _read_conversions(
    reading: Reading, connection: psycopg.Connection, rows: dict, terms: list[Row], linked: set[str]
) -> None:
    sales = defaultdict(list)
    for key, (_, is_deleted, row) in rows.items():
        if _kind(row) == "purchase" and not is_deleted and row["lead_id"] and row["partner_id"]:
            sales[row["lead_id"], row["partner_id"]].append((row["transaction_date"], key, row))
    events, unsaid = _matched(connection, rows, sales)
    for pair in {*events, *unsaid, *sales}:
        key = f"conversion:{pair[0]}:{pair[1]}"
        deals = [_deal(row, terms) for _, _, row in sorted(sales[pair], key=lambda sale: sale[:2])]
        paid = [deal for deal in deals if deal[0] in PAID_ON_CONVERSION]
        is_by_call = any(
            deal[0] == "cpt" and deal[1]["rate_basis"] == "per_transfer" for deal in paid
        )
        if (
            pair in unsaid
            or pair[0] in linked
            or is_by_call
            or any(deal[0] not in DEAL_TYPES for deal in deals)
        ):
            reading.unsaid.add(key)
        elif paid and (run := _last_run(events[pair])):
            amount = _amount(paid[0][1], run)
            if amount is not None:
                reading.standing[key] = (f"partner:{pair[1]}", amount)


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


def _matched(
    connection: psycopg.Connection, rows: dict, sales: dict
) -> tuple[dict[Pair, list[Event]], set[Pair]]:
    """Match events that name a known lead, or else a reference that one lead alone has (SPEC D7).

    The pairs of events that are matched by other ways, or whose date says nothing, are unsaid.
    """
    known = set(landed(connection, "boberdoo__leads"))
    known |= {
        row["lead_id"]
        for versions in _transactions(connection).values()
        for _, _, row in versions
        if _kind(row) == "purchase"
    }
    versions = landed(connection, "dispositions__file_events")
    live_events = {key: found[-1][2] for key, found in versions.items() if not found[-1][1]}
    references = defaultdict(set)
    for buyer in live(connection, "boberdoo__lead_partners").values():
        references[buyer["partner_id"], buyer.get("buyer_lead_ref")].add(buyer["lead_id"])
    for event in live_events.values():
        if event.get("lead_id") in known:
            reference = event.get("buyer_lead_ref")
            references[event["partner_id"], reference].add(event["lead_id"])
    words = list(live(connection, "seeds__disposition_map").values())
    events, unsaid = defaultdict(list), set()
    for key, event in live_events.items():
        partner, reference = event["partner_id"], event.get("buyer_lead_ref")
        named = references[partner, reference] if reference else set()
        if event.get("lead_id") in known:
            leads = {event["lead_id"]}
        elif named:
            leads = named
        elif event.get("phone") or event.get("email"):
            unsaid |= {pair for pair in sales if pair[1] == partner}
            continue
        else:
            continue
        at = _moment(event.get("status_date"), versions[key][0][0])
        if len(leads) > 1 or at is None:
            unsaid |= {(lead, partner) for lead in leads}
            continue
        status = _status(event, partner, at, words)
        if status:
            order = (at, versions[key][0][0], key.split(":")[0], event["row_number"], key)
            value = money(event["sale_amount"]) if event.get("sale_amount") else None
            events[leads.pop(), partner].append(Event(order, status, at, value))
    return events, unsaid


def _moment(date: str | None, landed_at: datetime) -> datetime | None:
    """Return when a status was reached: blank is when it was landed, None what cannot be read."""
    if not (date or "").strip():
        return landed_at
    american = AMERICAN.fullmatch(date.strip())
    if american:
        date = f"{american[3]}-{int(american[1]):02}-{int(american[2]):02}{american[4]}"
    if not re.match(r"\d{4}-\d\d-\d\d", date):
        return None
    try:
        return datetime.fromisoformat(date)
    except ValueError:
        return None


def _status(event: Row, partner: str, at: datetime, words: list[Row]) -> str | None:
    word = _folded(event["status"])
    for owner in (partner, "*"):
        meant = [
            row
            for row in words
            if row["partner_id"] == owner
            and _folded(row["raw_status"]) == word
            and (row["effective_from"] or "") <= f"{at:%Y-%m-%d %H:%M:%S}"
        ]
        if meant:
            return max(meant, key=lambda row: row["effective_from"] or "")["status"]
    return None


def _folded(word: str | None) -> str:
    return " ".join((word or "").split()).lower()
