"""Dispositions: which lead each is about, when it was so, and what it means (SPEC D7)."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg

from tests.simulation.readings.landed import Row, landed, live, money

AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")
WINDOW = timedelta(days=90)  # so long before a status a lead may have been bought
Pair = tuple[str, str]  # lead, partner
Sales = dict[Pair, list[tuple]]


@dataclass
class Event:
    """A disposition that was matched: when, in which order, and what it said."""

    order: tuple
    status: str
    at: datetime
    value: Decimal | None


@dataclass
class Leads:
    """What leads may be found by: their ids, partners' own references, phones and e-mails."""

    known: set[str]
    references: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    people: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def known_leads(connection: psycopg.Connection) -> set[str]:
    """Return the ids of leads that boberdoo has shown, or sold."""
    sold = {
        row["lead_id"]
        for versions in landed(connection, "boberdoo__transactions").values()
        for _, _, row in versions
        if (row["transaction_type"] or "").lower() == "purchase" and row["lead_id"]
    }
    return sold | set(landed(connection, "boberdoo__leads"))


def matched(
    connection: psycopg.Connection, sales: Sales
) -> tuple[dict[Pair, list[Event]], set[Pair]]:
    """Match events to leads; the pairs of events that could be of several leads are unsaid.

    An event whose date cannot be read says nothing of any lead until somebody repairs it (D7a).
    """
    versions = landed(connection, "dispositions__file_events")
    live_events = {key: found[-1][2] for key, found in versions.items() if not found[-1][1]}
    leads = _leads(connection, list(live_events.values()))
    words = list(live(connection, "seeds__disposition_map").values())
    events, unsaid = defaultdict(list), set()
    for key, event in live_events.items():
        partner, first = event["partner_id"], versions[key][0][0]
        at = _moment(event.get("status_date"), first)
        if at is None:
            continue
        found = _found(event, at, leads, sales)
        if len(found) > 1:
            unsaid |= {(lead, partner) for lead in found}
        elif found and (status := _status(event, partner, at, words)):
            order = (at, first, key.split(":")[0], event["row_number"], key)
            value = money(event["sale_amount"]) if event.get("sale_amount") else None
            events[found.pop(), partner].append(Event(order, status, at, value))
    return events, unsaid


def _leads(connection: psycopg.Connection, events: list[Row]) -> Leads:
    leads = Leads(known_leads(connection))
    for buyer in live(connection, "boberdoo__lead_partners").values():
        if buyer.get("buyer_lead_ref"):
            leads.references[buyer["partner_id"], buyer["buyer_lead_ref"]].add(buyer["lead_id"])
    for event in events:
        if event.get("lead_id") in leads.known and event.get("buyer_lead_ref"):
            leads.references[event["partner_id"], event["buyer_lead_ref"]].add(event["lead_id"])
    for lead, versions in landed(connection, "boberdoo__leads").items():
        for name, form in (("phone", _digits), ("email", _folded)):
            # boberdoo blanks what is old: what was said last counts (SPEC R10).
            said = [row["lead_data"][name] for *_, row in versions if row["lead_data"].get(name)]
            if said:
                leads.people[form(said[-1])].add(lead)
    return leads


def _found(event: Row, at: datetime, leads: Leads, sales: Sales) -> set[str]:
    """Return the leads of the first way that finds any; of several, the one that was bought."""
    partner = event["partner_id"]
    if event.get("lead_id") in leads.known:
        return {event["lead_id"]}
    found = leads.references.get((partner, event.get("buyer_lead_ref")), set())
    if found:
        bought = {lead for lead in found if sales.get((lead, partner))}
        return set(bought if len(bought) == 1 else found)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    for person in (_digits(event.get("phone")), _folded(event.get("email"))):
        found = {
            lead
            for lead in leads.people.get(person, set())
            if any(
                day - WINDOW <= datetime.fromisoformat(sold_at) < day + timedelta(days=1)
                for sold_at, *_ in sales.get((lead, partner), [])
            )
        }
        if found:
            return found
    return set()


def _digits(phone: str | None) -> str:
    return "".join(letter for letter in phone or "" if letter.isdecimal())[-10:]


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
