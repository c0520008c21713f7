"""Freshservice: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field

from ingestion.environment import required


@dataclass(frozen=True)
class Freshservice:
    """A Freshservice account; the key is never shown."""

    base_url: str
    api_key: str = field(repr=False)


def read_freshservice() -> Freshservice | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("FRESHSERVICE_BASE_URL")
    return Freshservice(base_url, required("FRESHSERVICE_API_KEY")) if base_url else None
