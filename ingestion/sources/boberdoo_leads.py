"""Which of boberdoo's leads are read: the new ones, and the old ones that may have changed.

Nothing says when a lead was modified. A sale says it: an old lead that is sold, refunded or un-sold
is read again with its buyers, who alone know the reference they will report by (SPEC D7).
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from ingestion.http import VendorError
from ingestion.run import Run
from ingestion.sources.boberdoo_api import (
    Api,
    Row,
    chunks,
    dates,
    extract_lead,
    extract_leads,
    number_of,
)

log = logging.getLogger(__name__)

MAX_FAILED_IN_A_ROW = 3

LeadKey = tuple[str, str]  # lead type and lead id


@dataclass
class Reading:
    """What one run reads of the leads, and what came of it; lead types are keys throughout."""

    lead_types: tuple[str, ...]
    landed: dict[str, int]  # the highest id so far: above it all leads are new
    sold_since: date
    by_id: dict[LeadKey, bool] = field(default_factory=dict)  # with whether it failed before
    answered: set[LeadKey] = field(default_factory=set)
    failed: set[LeadKey] = field(default_factory=set)
    reached: dict[str, int] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)  # of the buyers that were read
    seen: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin where the last run ended."""
        self.reached = dict(self.landed)

    def ask_for(self, keys: Iterable[LeadKey], *, has_failed: bool = False) -> None:
        """Ask for these leads by their ids, if no listing shows them."""
        for key in sorted(keys):
            if key[0] in ("", *self.lead_types):
                self.by_id.setdefault(key, has_failed)


def read_listed(run: Run, api: Api, reading: Reading) -> Iterator[tuple[str, Row]]:
    """Yield, with its type, every lead above the cursor and then each old one that may be new.

    These are the leads of the last days, those sold since the last landing, and a week's share of
    all that were sold in the transactions' window.
    """
    for lead_type in api.account.lead_types:
        cursor, seen = reading.landed.get(lead_type, 0), reading.seen.setdefault(lead_type, set())
        for lead in extract_leads(api, "getLeadDetails", lead_type, cursor):
            yield lead_type, lead
        for fields in _listings(run, api, reading) if cursor else []:
            for lead in extract_leads(api, "getLeadDetails", lead_type, 0, **fields):
                number = number_of(lead)
                if not number or (number <= cursor and number not in seen):
                    seen.add(number)
                    yield lead_type, lead


def read_by_id(api: Api, reading: Reading) -> Iterator[tuple[str, Row]]:
    """Yield, with its type, each lead of a changed transaction that no listing has shown.

    They are asked for one by one. One that gives no answer is owed; after several in a row the
    others are left for the next run. Those that failed before come last.
    """
    in_a_row = 0
    for key in sorted(reading.by_id, key=lambda key: reading.by_id[key]):
        unseen = [
            name
            for name in ([key[0]] if key[0] else reading.lead_types)
            if _is_unseen(reading, name, key)
        ]
        if unseen and in_a_row >= MAX_FAILED_IN_A_ROW:
            continue
        try:
            for lead_type in unseen:
                for lead in extract_lead(api, lead_type, key[1]):
                    yield lead_type, lead
        except VendorError as error:
            log.warning("lead %s: %s", key[1], error)
            reading.failed.add(key)
            in_a_row += 1
            continue
        in_a_row = 0 if unseen else in_a_row
        reading.answered.add(key)


def _is_unseen(reading: Reading, lead_type: str, key: LeadKey) -> bool:
    number = int(key[1])
    is_old = number <= reading.landed.get(lead_type, 0)
    return is_old and number not in reading.seen.get(lead_type, ())


def _listings(run: Run, api: Api, reading: Reading) -> list[Row]:
    """Return the fields of each listing of old leads.

    The share moves on night by night, so a lead that was sold in the window and changes without a
    transaction is seen in a fortnight or so.
    """
    today, account = run.loaded_at.date(), api.account
    shares = list(chunks(today - timedelta(days=account.transaction_days), today))
    tomorrow = today + timedelta(days=1)
    by_sale = {"By_Transaction_Date": "1"}
    listings = [
        dates(today - timedelta(days=account.lead_days), tomorrow),
        dates(reading.sold_since, tomorrow) | by_sale,
    ]
    if shares:
        listings.append(dates(*shares[today.toordinal() % len(shares)]) | by_sale)
    return listings
