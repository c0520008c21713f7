"""Datto RMM: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field

from ingestion.environment import required


@dataclass(frozen=True)
class Datto:
    """A Datto RMM account; key and secret are never shown."""

    base_url: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


def read_datto() -> Datto | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("DATTO_BASE_URL")
    if not base_url:
        return None
    return Datto(base_url, required("DATTO_API_KEY"), required("DATTO_API_SECRET"))
