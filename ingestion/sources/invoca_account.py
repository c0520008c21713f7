"""Invoca: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field

from ingestion.environment import names, number, required


@dataclass(frozen=True)
class Invoca:
    """Invoca's network: `INVOCA_BASE_URL`, `_TOKEN`, `_NETWORK_ID`.

    Optional: `_CUSTOM_COLUMNS` are the tenant's own columns to ask for (`lead_id,lead_ids`); the
    calls of the last `_RESCAN_DAYS` (7) are read again every time; `_PAGE_SIZE` (4000) rows a page.
    """

    base_url: str
    network_id: str
    token: str = field(repr=False)
    custom_columns: tuple[str, ...] = ("lead_id", "lead_ids")
    rescan_days: int = 7
    page_size: int = 4000


def read_invoca() -> Invoca | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("INVOCA_BASE_URL")
    if not base_url:
        return None
    return Invoca(
        base_url=base_url,
        network_id=required("INVOCA_NETWORK_ID"),
        token=required("INVOCA_TOKEN"),
        custom_columns=names(os.environ.get("INVOCA_CUSTOM_COLUMNS", "lead_id,lead_ids")),
        rescan_days=number("INVOCA_RESCAN_DAYS", 7),
        page_size=number("INVOCA_PAGE_SIZE", 4000),
    )
