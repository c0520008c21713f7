"""What one pipeline run hands to every source."""

from dataclasses import dataclass
from datetime import datetime

from ingestion.settings import Settings


@dataclass(frozen=True)
class Run:
    """One pipeline run: all its loads share `loaded_at`, taken once from the clock (SPEC 0).

    `full` asks a source to read everything again; `tenant` narrows it to one tenant.
    """

    settings: Settings
    loaded_at: datetime
    full: bool = False
    tenant: str | None = None
