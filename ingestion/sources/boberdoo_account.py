"""boberdoo: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field

from ingestion.environment import names, number, required


@dataclass(frozen=True)
class Boberdoo:
    """boberdoo's account: `BOBERDOO_BASE_URL`, `_KEY`, `_CANARY_LEAD_ID`, `_LEAD_TYPES`.

    The lead types are the tenant's numbers, separated by commas; the canary is a lead of the first
    of them that is known to exist. Optional, in days: `_HISTORY_DAYS` (370) is read at first;
    `_LEAD_DAYS` (7), `_STATUS_DAYS` (60) and `_TRANSACTION_DAYS` (90) are read again every time.
    """

    base_url: str
    canary_lead_id: str
    lead_types: tuple[str, ...]
    key: str = field(repr=False)
    history_days: int = 370
    lead_days: int = 7
    status_days: int = 60
    transaction_days: int = 90


def read_boberdoo() -> Boberdoo | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("BOBERDOO_BASE_URL")
    if not base_url:
        return None
    return Boberdoo(
        base_url=base_url,
        canary_lead_id=required("BOBERDOO_CANARY_LEAD_ID"),
        lead_types=names(required("BOBERDOO_LEAD_TYPES")),
        key=required("BOBERDOO_KEY"),
        history_days=number("BOBERDOO_HISTORY_DAYS", 370),
        lead_days=number("BOBERDOO_LEAD_DAYS", 7),
        status_days=number("BOBERDOO_STATUS_DAYS", 60),
        transaction_days=number("BOBERDOO_TRANSACTION_DAYS", 90),
    )
