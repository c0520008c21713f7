"""Billingo: where it is, and how it is reached."""

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Billingo:
    """Billingo's address, and every variable `BILLINGO_...KEY...`: one for each company."""

    base_url: str
    keys: dict[str, str] = field(repr=False)


def read_billingo() -> Billingo | None:
    """Return what the environment says of it; None where it is not configured."""
    base_url = os.environ.get("BILLINGO_BASE_URL")
    if not base_url:
        return None
    keys = [name for name in os.environ if name.startswith("BILLINGO_") and "KEY" in name]
    return Billingo(base_url, {name: os.environ[name] for name in keys})
